from .codes import PIPELINE_RULES as PIPELINE_RULES
from .remarks import mistakes as mistakes
from .roles import check_role as check_role
from .roles import pipeline_findings as pipeline_findings
