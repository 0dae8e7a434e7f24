"""What an operator of both ways of installing does: commands, settings, certificates, the first line."""

import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

from tests.partners.terminator import a_certificate
from tests.running.text_gateway import TOKEN

HOST, NUMBER = "privacy.carrier.test", "+12065550142"
# What this machine's pip is told, and whom it trusts: an installation asks the same index.
PIP = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf", "/etc/xdg/pip", str(Path.home() / ".config" / "pip"))
LINE = (
    "line_id,msisdn,account_id,holder_name,user_role,state,language,activated_at,deactivated_at\n"
    f"L-1,{NUMBER},A-1,Ada Marsh,holder,WA,en,2020-01-01T00:00:00Z,\n"
)


def run(*command: str, given: str = "", fails: bool = False) -> str:
    """What a command says, which is shown too where it ends otherwise than expected."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if (done.returncode != 0) is not fails:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-6000:]}")
    return done.stdout + done.stderr


def put_certificates(tls: Path, folder: Path, gateway: str) -> tuple[str, ssl.SSLContext, ssl.SSLContext]:
    """The carrier's own authority, and by it the pages' certificate, put where it belongs, and the text gateway's.

    Returns the authority, what trusts it, and what the gateway speaks by.
    """
    authority = a_certificate("Carrier CA", folder)
    own, theirs = (a_certificate(name, folder, by=authority, host=name) for name in (HOST, gateway))
    for name in ("chain.pem", "key.pem"):
        shutil.copyfile(own.chain, tls / name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs.chain)
    said = authority.chain.read_text()
    return (
        said[said.index("-----BEGIN CERTIFICATE-----") :],
        ssl.create_default_context(cafile=str(authority.chain)),
        context,
    )


def complete(configuration: Path, gateway: str, port: int, *, inside: str) -> None:
    """What the guide leaves to the operator: the settings, and two secrets that can't be made.

    `inside`: hosts that have addresses in the carrier's own network.
    """
    settings = configuration / "settings"
    said = settings.read_text().replace("#INTERNAL_HOSTS=sms.carrier.example", f"INTERNAL_HOSTS={inside}")
    said = said.replace("//sms.carrier.example/", f"//{gateway}:{port}/").replace("carrier.example", "carrier.test")
    settings.write_text(said)
    (configuration / "secrets" / "EMAIL_URL").write_text("smtps://user:password@mail.carrier.test\n")
    (configuration / "secrets" / "SMS_WEBHOOK_TOKEN").write_text(f"{TOKEN}\n")


def make_debian(place: Path, *packages: str) -> None:
    """Make a system of Debian's packages, as a folder or an archive, from where this machine has its own."""
    sources = "\n".join(path.read_text() for path in Path("/etc/apt/sources.list.d").glob("*.sources"))
    (mirror, *_) = re.findall(r"^URIs: (\S+/debian)$", sources, re.MULTILINE)
    included = ",".join(["ca-certificates", *packages])
    run("mmdebstrap", "--variant=minbase", f"--include={included}", "trixie", str(place), mirror)
