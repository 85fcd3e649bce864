from .nearest import fixed_policy as fixed_policy
