"""What is typed about an authorised agent."""

from django import forms

from support.forms.base import ActForm


class AgentForm(ActForm):
    """What people call it, its key, and where it may be called back."""

    name = forms.CharField(
        label="What people call it", max_length=200, help_text="It stands on the page that asks them."
    )
    key = forms.CharField(
        label="Its public key", max_length=100,
        help_text="Ed25519, in base64, as the protocol's directory has it. Compare it by another way than theirs.",
    )  # fmt: skip
    hosts = forms.CharField(
        label="Hosts where it may be called back", required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}), help_text="One a line. Without any it asks us how things stand.",
    )  # fmt: skip

    def clean_key(self) -> str:
        """Without what was copied along with it."""
        return "".join(str(self.cleaned_data["key"]).split())

    def clean_hosts(self) -> list[str]:
        """Each host once, in lower case."""
        return sorted({one.strip().lower() for one in str(self.cleaned_data["hosts"]).split() if one.strip()})


class NewAgentForm(AgentForm):
    """An agent that nobody wrote down yet."""

    agent_id = forms.CharField(label="Its id in the protocol's directory", max_length=60)

    field_order = ("agent_id", "name", "key", "hosts")
