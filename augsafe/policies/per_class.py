"""A policy for each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from augsafe.errors import ArgumentError, PolicyError
from augsafe.planning import Output
from augsafe.policies.compose import Compose
from augsafe.policies.files import near
from augsafe.transforms import Transform

ANY = "*"


@dataclass(frozen=True)
class PerClass:
    """A policy for each class, such as `PerClass({"6": policy_a, "*": policy_b})`.

    Args:
        policies: The policy of each class by its name, a `Compose` or one transform. "*" is for all classes that are
            not named. Without it, an image of a class that is not named is an error.

    Raises:
        ArgumentError: A name is no text, or a policy is none.
    """

    policies: Mapping[str, Compose]

    def __post_init__(self) -> None:
        if not isinstance(self.policies, Mapping) or not self.policies:
            raise ArgumentError(f"PerClass(policies=...) must map class names to policies, got {self.policies!r}")
        made = {}
        for name, policy in self.policies.items():
            if not isinstance(name, str):
                raise ArgumentError(f"PerClass: class names must be text, got {name!r}; write {str(name)!r}")
            if isinstance(policy, Transform):
                policy = Compose((policy,))
            if not isinstance(policy, Compose):
                raise ArgumentError(f"PerClass: the policy of {name!r} must be a Compose, got {policy!r}")
            made[name] = policy
        object.__setattr__(self, "policies", made)

    def key_for(self, cls: str) -> str:
        """The entry that serves a class. Raises ArgumentError."""
        if cls in self.policies:
            return cls
        if ANY in self.policies:
            return ANY
        raise ArgumentError(f'PerClass has no policy for class {cls!r}{near(cls, self.policies)}; add one for "*"')

    def policy_for(self, cls: str) -> Compose:
        """The policy of a class. Raises ArgumentError."""
        return self.policies[self.key_for(cls)]

    def with_output(self, output: Output) -> PerClass:
        """The same policies with another output."""
        return PerClass({name: replace(policy, output=output) for name, policy in self.policies.items()})

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        return {"per_class": {name: policy.to_dict() for name, policy in self.policies.items()}}

    @staticmethod
    def from_dict(body: Mapping[str, Any]) -> PerClass:
        """Policies by class from plain values. Raises PolicyError."""
        if not isinstance(body, Mapping) or not isinstance(body.get("per_class"), Mapping):
            raise PolicyError(f"a policy by class is a mapping with 'per_class', got {body!r}"[:300])
        return PerClass({str(name): Compose.from_dict(entry) for name, entry in body["per_class"].items()})
