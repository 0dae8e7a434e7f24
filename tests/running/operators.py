"""What an operator of both ways of installing does: commands, settings, certificates, the first line."""

import re
import subprocess
import sys
from pathlib import Path

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


def make_debian(place: Path, *packages: str) -> None:
    """Make a system of Debian's packages, as a folder or an archive, from where this machine has its own."""
    sources = "\n".join(path.read_text() for path in Path("/etc/apt/sources.list.d").glob("*.sources"))
    (mirror, *_) = re.findall(r"^URIs: (\S+/debian)$", sources, re.MULTILINE)
    included = ",".join(["ca-certificates", *packages])
    run("mmdebstrap", "--variant=minbase", f"--include={included}", "trixie", str(place), mirror)
