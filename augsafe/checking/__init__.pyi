from .checks import bind_contract as bind_contract
from .checks import check as check
