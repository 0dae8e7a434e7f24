"""Promise 8: what an agent sees and does stands in the person's own log, and no agent can allow anything."""

import re

from tests.promises.through_the_doors.files import ROADSIDE
from tests.promises.through_the_doors.product import Product
from tests.walks.marks import tells

WHY, STOPPED = "They called and asked who has it.", "They asked me to on the phone."
VERBS = ("allow", "stop", "pause", "dispute")


def test_agents_looks_and_acts_are_logged_and_none_allows(product: Product) -> None:
    line, agent = product.next_line(), product.hires("agent")
    person = product.signs_in(line)
    written = person.get("/help/write/?topic=still_have").form("/help/write/")
    (code,) = person.send(written, message="They still have where I was.").url.split("/")[-2:-1]
    case = f"/desk/{code}/"

    def log() -> str:
        return person.get("/access-log/").words

    # To look is in the log at once; who it is, is not shown yet.
    assert "Our support team Staff" not in log()
    looked = agent.get(case)
    assert (looked.status, tells(looked.text, line.msisdn), "Ada Marsh" in looked.text) == (200, False, False)
    look = f"Looked at your case and its details Reason given: {code}"
    assert re.search(rf"Our support team Staff [^:]+:\d\d [AP]M {look}", log())
    # Without a reason nothing is shown; with one it is, and the reason stands in the log.
    reveal = agent.get(f"{case}reveal/").form(f"{case}reveal/")
    refused = agent.send(reveal)
    assert (refused.url, "and whose it is, for 15 minutes" in log()) == (f"{case}reveal/", False)
    shown = agent.send(reveal, kind="call", reason=WHY)
    assert (tells(shown.text, line.msisdn), "Ada Marsh" in shown.text) == (True, True)
    given = f"Reason given: {code}: To call or write to the person: {WHY}"
    assert f"Saw this line's number and whose it is, for 15 minutes {given}" in log()
    # Nothing that the desk offers, and nothing that it does not, decides for the person, but to stop for them.
    about = {"line": person.get("/choices/pause/").form("/choices/pause/").data["line"], "scope": "all"}
    sent = {**about, "campaign": ROADSIDE.campaign, "days": "30", "allow": "1", "length": "7"}
    assert [agent.post(f"/choices/{verb}/", sent).status for verb in VERBS] == [403] * len(VERBS)
    pages = [agent.get(path) for path in (case, *agent.get(case).links("/desk/"))]
    ways = {way for page in pages for way in (*page.links("/"), *(form.path for form in page.forms()))}
    assert [way for way in ways if not way.startswith("/desk/")] == []
    assert product.answers(line) == "allowed"
    agent.send(agent.get(f"{case}stop/").form(f"{case}stop/code/"))
    stop = agent.get(f"{case}stop/").form(f"{case}stop/")
    agent.send(stop, typed=product.code(line.msisdn), reason=STOPPED)
    assert product.answers(line) == "stopped_all"
    assert f"{code}: {STOPPED}" in log()
    assert [agent.post(f"/choices/{verb}/", sent).status for verb in VERBS] == [403] * len(VERBS)
    assert product.answers(line) == "stopped_all"
