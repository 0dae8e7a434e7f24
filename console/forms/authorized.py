"""What is typed about an authorised agent."""

from django import forms

from support.forms.base import ActForm


class AgentForm(ActForm):
    """What people call it, its key, and where it may be called back."""

    name = forms.CharField(
        label="Name shown to people", max_length=200, help_text="Shown on the page where people confirm."
    )
    key = forms.CharField(
        label="Public key", max_length=100,
        help_text="Ed25519, base64, as listed in the protocol's directory. Verify it through a second channel.",
    )  # fmt: skip
    hosts = forms.CharField(
        label="Callback hosts", required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}), help_text="One per line. Leave empty if the agent polls us.",
    )  # fmt: skip

    def clean_key(self) -> str:
        """Without what was copied along with it."""
        return "".join(str(self.cleaned_data["key"]).split())

    def clean_hosts(self) -> list[str]:
        """Each host once, in lower case."""
        return sorted({one.strip().lower() for one in str(self.cleaned_data["hosts"]).split() if one.strip()})


class NewAgentForm(AgentForm):
    """An agent that nobody wrote down yet."""

    agent_id = forms.CharField(label="ID in the protocol's directory", max_length=60)

    field_order = ("agent_id", "name", "key", "hosts")
