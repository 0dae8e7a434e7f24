"""The shapes of the gateway's question: OpenID AuthZEN Authorization API 1.0, with our properties named in it."""

from typing import Annotated, Literal

import msgspec

MAX_EVALUATIONS = 1000
# No text may hold a NUL. The decoder would try a pattern on each text, and take twice as long over that as over all the
# rest: `decode_json` looks once.
Text = Annotated[str, msgspec.Meta(max_length=1000, extra_json_schema={"pattern": r"^[^\x00]*$"})]
Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]


class Unread(msgspec.Struct, frozen=True, gc=False):
    """An object that AuthZEN allows and nothing of which we read."""


class SubjectProperties(msgspec.Struct, frozen=True, gc=False):
    on_behalf_of: Text = ""
    campaign: Text = ""
    recipient: Text = ""


class Subject(msgspec.Struct, frozen=True, gc=False):
    type: Annotated[Text, msgspec.Meta(description="`partner`; whoever is of another kind is denied.")]
    id: Text
    properties: SubjectProperties = SubjectProperties()


class ActionProperties(msgspec.Struct, frozen=True, gc=False):
    purpose: Text = ""
    precision_m: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] | None = None


class Action(msgspec.Struct, frozen=True, gc=False):
    name: Text
    properties: ActionProperties = ActionProperties()


class Resource(msgspec.Struct, frozen=True, gc=False):
    type: Annotated[Text, msgspec.Meta(description="`line` or `msisdn`; what is of another kind is no line of ours.")]
    id: Text
    properties: Unread = Unread()


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """One question: who asks, for what, about which line."""

    subject: Subject
    action: Action
    resource: Resource
    context: Unread = Unread()


class PartialEvaluation(msgspec.Struct, frozen=True, gc=False):
    subject: Subject | None = None
    action: Action | None = None
    resource: Resource | None = None
    context: Unread = Unread()


class AnyEntity(msgspec.Struct, frozen=True, gc=False):
    """A subject, an action or a resource of a kind that is none of ours: its properties have no shape."""

    type: Text = ""
    id: Text = ""
    name: Text = ""
    properties: Unread = Unread()


class AnyEvaluation(msgspec.Struct, frozen=True, gc=False):
    """A question as AuthZEN has it, whatever its subject and its resource are."""

    subject: AnyEntity | None = None
    action: AnyEntity | None = None
    resource: AnyEntity | None = None
    context: Unread = Unread()


class Options(msgspec.Struct, frozen=True, gc=False):
    evaluations_semantic: Semantic = "execute_all"


class Evaluations(msgspec.Struct, frozen=True, gc=False):
    """Many questions; what stands beside `evaluations` is the default of each."""

    evaluations: Annotated[list[PartialEvaluation], msgspec.Meta(max_length=MAX_EVALUATIONS)] = []
    options: Options = Options()
    subject: Subject | None = None
    action: Action | None = None
    resource: Resource | None = None
    context: Unread = Unread()
