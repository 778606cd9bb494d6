"""What may be written to the catalogue. Unknown fields are refused, and so is what the service alone sets."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.jobs.parameters import check_parameters
from core.jobs import Tier
from orchestrator.clusters import check_cluster
from orchestrator.levers import Levers
from orchestrator.refusals import WORDS

MAX_ID = 2**53 - 1
"""Largest integer that every reader of JSON keeps as it is."""
Id = Annotated[int, Meta(ge=1, le=MAX_ID)]
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        extra={WORDS: "one line of 1 to 200 characters"},
    ),
]
Description = Annotated[
    str,
    Meta(max_length=2000, pattern=r"^[^\x00]*\Z", extra={WORDS: "text of up to 2000 characters without NUL"}),
]
Email = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\Z",
        extra={WORDS: "an address name@host of up to 254 characters"},
    ),
]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object without what the service sets."""

    def check(self, cluster_urls: frozenset[str]) -> None:
        """Raise InvalidParameterError for values that do not go together, ClusterNotAllowedError for a
        cluster that is not among `cluster_urls`."""

    def values(self) -> dict[str, object]:
        """What is stored, by column."""
        values: dict[str, object] = msgspec.to_builtins(self)
        return values


class UserBody(Body, frozen=True, kw_only=True):
    """Someone who works with the installation."""

    user_name: Text
    user_email: Email
    group_id: Id


class UserGroupBody(Body, frozen=True, kw_only=True):
    """Users of one project, with one set of default parameters."""

    project_id: Id
    pipeline_parameter_set_id: Id
    user_group_name: Text
    user_group_description: Description = ""


class ProjectQueue(Levers, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a project's jobs queue: their tier, and the levers that differ from the defaults."""

    tier: Tier = Tier.STANDARD


class ProjectBody(Body, frozen=True, kw_only=True):
    """A tenant."""

    project_name: Text
    project_cluster_url: Text | None = None
    """host:port of the Triton that its frames are inferred on, one that the operator allows; null: each
    worker's own."""
    project_queue: ProjectQueue = ProjectQueue()

    def check(self, cluster_urls: frozenset[str]) -> None:
        """Raise ClusterNotAllowedError."""
        if self.project_cluster_url is not None:
            check_cluster(self.project_cluster_url, cluster_urls)

    def values(self) -> dict[str, object]:
        """Tier and levers are columns of their own."""
        levers = {
            name: value for name, value in msgspec.to_builtins(self.project_queue).items() if name != "tier"
        }
        return {**super().values(), "project_queue": self.project_queue.tier, "project_levers": levers}


class PipelineBody(Body, frozen=True, kw_only=True):
    """What can be computed."""

    pipeline_name: Text
    pipeline_description: Description = ""
    pipeline_endpoint: Literal["pose_2d"]
    """The ensemble that computes it: the one that workers ask."""


class PipelineParameterSetBody(Body, frozen=True, kw_only=True):
    """A named collection of parameters."""

    pipeline_parameter_set_name: Text


class PipelineParametersBody(Body, frozen=True, kw_only=True):
    """One parameter of a pipeline within a set."""

    pipeline_id: Id
    pipeline_parameter_set_id: Id
    pipeline_parameters_name: Text
    pipeline_parameters_value: object

    def check(self, cluster_urls: frozenset[str]) -> None:
        """Raise InvalidParameterError for a name or value that no pipeline takes."""
        check_parameters({self.pipeline_parameters_name: self.pipeline_parameters_value})
