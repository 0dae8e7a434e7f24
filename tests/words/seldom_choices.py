"""Pages of one choice, of one company and of a stop's progress, in states that partners and time bring about."""

from collections.abc import Iterator
from dataclasses import replace

import time_machine
from django.utils import timezone

from accounts.models import Line
from consent.actions import choices, system_stops
from consent.models import Choice
from revocations.models import Order
from tests.clocks import Clock
from tests.factories import FRAUD, a_campaign, a_line, an_approval
from tests.feeds import choice_row, take_choices
from tests.people import Browser, number_of, signed_in
from tests.support.officers import Member, staff
from tests.words.partners import INVALID, Market, Partner
from tests.words.transcripts import transcript
from tests.words.worlds import (
    DAY,
    MINUTE,
    a_line_dealing_with,
    allow,
    choice_path,
    newest_choice,
    pause_everything,
    stop_by_phone,
    stop_company,
    stop_everything,
)

type Read = Iterator[tuple[str, list[str]]]


class Told:
    """What lines chose, and how far those are who were told of it."""

    def __init__(self, market: Market, clock: Clock) -> None:
        self.market, self.clock = market, clock

    def pages(self) -> Read:
        """Every state, by its title."""
        yield from self.carried_on()
        yield from self.changed()
        yield from self.ours()
        yield from self.paused()
        yield from self.from_files()
        yield from self.tried()
        yield from self.in_numbers()
        yield from self.on_what_proof()
        yield from self.much_of_one()
        yield from self.disputed()
        yield from self.in_the_console()

    def later(self) -> None:
        """A minute passes."""
        self.clock.move_to(self.clock.now + MINUTE)

    def dealing(self, *names: str) -> tuple[Line, list[Partner]]:
        return a_line_dealing_with(self.market, *names)

    def another_use(self, line: Line, partner: Partner) -> Partner:
        """The same partner with a second use, of another company, that the line agreed to."""
        other = a_campaign(partner.contract, self.market.a_company("Other").party, purpose=FRAUD)
        an_approval(line, other, at=timezone.now() - 90 * DAY)
        return replace(partner, campaign=other)

    def carried_on(self) -> Read:
        """Choices whose message a newer one replaced: by a wider stop, by yeses, by a stop of all that undid them."""
        line, (ash,) = self.dealing("Ash Link")
        other = self.another_use(line, ash)
        stop_company(line, "Ash Maps")
        first = newest_choice(line)
        self.later()
        stop_everything(line)
        stop = newest_choice(line)
        yield "a stop that a wider one carries on", page(first)
        self.later()
        allow(line, ash, days="30")
        yes = newest_choice(line)
        yield "a stop of all with one use allowed since", page(stop)
        yield "a stop of one company that is allowed since", page(first)
        self.later()
        allow(line, other)
        second = newest_choice(line)
        ash.is_told()
        yield "a stop of all with two uses allowed since", page(stop)
        yield "a yes that the next one carries on", page(yes)
        self.later()
        stop_everything(line)
        yield "a yes that a stop undid", page(yes)
        yield "a yes that a stop undid, told before", page(second)
        with time_machine.travel(timezone.now() + DAY, tick=False):
            yield "a yes that a stop undid, a day later", page(second)

    def changed(self) -> Read:
        """Stops of which a newer choice left a part, and one with nobody to tell."""
        line = a_line()
        choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        yield "a stop with nobody to tell", page(newest_choice(line))
        line, (birch,) = self.dealing("Birch Link")
        choices.stop(line_id=line.pk, scope="campaign", ref=birch.campaign.ref, actor="subscriber:1", channel="web")
        stopped = newest_choice(line)
        self.later()
        allow(line, birch)
        yield "a use that was stopped and is allowed since", page(stopped)

    def ours(self) -> Read:
        """A company that we stopped for a line, until its person allows it."""
        line, (cherry,) = self.dealing("Cherry Link")
        now, service = timezone.now(), cherry.campaign.lbs_provider.uri
        system_stops.stop_company(line_id=line.pk, party=service, after=now, actor="system:anomalies", at=now)
        made = newest_choice(line)
        yield "a stop of ours", page(made)
        self.later()
        allow(line, cherry)
        yield "a stop of ours that a yes changed", page(made)

    def paused(self) -> Read:
        """A pause of all, with one use allowed since; and over."""
        line, (_elder, damson) = self.dealing("Elder Link", "Damson Link")
        pause_everything(line)
        made, service = newest_choice(line), damson.campaign.lbs_provider
        other = a_campaign(self.market.partners["Elder Link"].contract, service, purpose=FRAUD)
        an_approval(line, other, at=timezone.now() - 90 * DAY)
        yield "a company in a pause", at_home(line, f"/companies/{service.pk}/")
        self.later()
        allow(line, damson)
        yield "a pause with one use allowed since", page(made)
        with time_machine.travel(made.made_at + 8 * DAY, tick=False):
            yield "a pause that is over", page(made)

    def from_files(self) -> Read:
        """What files brought: pauses that were over before, that still count and that are over; a yes with its end."""
        line, (fig,) = self.dealing("Fig Link")
        now, about = timezone.now(), {"msisdn": number_of(line)}
        for title, row in (
            ("a pause that was over before", {"kind": "pause", "until": "2025-09-01T00:00:00Z"}),
            ("a pause", {"kind": "pause", "until": (now + 3 * DAY).isoformat()}),
            ("a yes", {
                "kind": "allow", "scope": "campaign", "ref": fig.campaign.ref, "made_at": "2025-10-01T00:00:00Z",
                "until": (now + 20 * DAY).isoformat(),
            }),
        ):  # fmt: skip
            before = set(Choice.objects.filter(line_id=line.pk).values_list("id", flat=True))
            take_choices(choice_row(**about, **row))
            made = Choice.objects.filter(line_id=line.pk).exclude(id__in=before).get()
            yield f"{title}, from a file", page(made)
            if title != "a pause that was over before":
                with time_machine.travel(now + 30 * DAY, tick=False):
                    yield f"{title}, from a file, over", page(made)

    def tried(self) -> Read:
        """Partners that were tried once and twice, that call our message wrong, that were told already."""
        line, (grape, hazel) = self.dealing("Grape Link", "Hazel Link")
        stop_everything(line)
        made = newest_choice(line)
        grape.dies()
        hazel.answers(INVALID)
        hazel.is_told()
        for n, times in enumerate(("once", "twice"), 1):
            grape.is_told(after=2 * n * n * MINUTE)
            yield f"a stop of which a partner was told {times} in vain", page(made)
        line, (iris,) = self.dealing("Iris Link")
        stop_everything(line)
        iris.is_told()
        iris.signs(below=[iris.signed_below(self.market.a_company("Iris Maps"))])
        self.later()
        stop_by_phone(line, Browser())
        yield "a stop that was told already", page(newest_choice(line))
        with time_machine.travel(timezone.now() + DAY, tick=False):
            yield "a stop that was told already, a day later", page(newest_choice(line))

    def in_numbers(self) -> Read:
        """The progress of a stop without an account: of one partner, and of those behind it."""
        line, (kelp,) = self.dealing("Kelp Link")
        names = [self.market.a_company(name) for name in ("Kelp Maps", "Kelp Two", "Kelp Three")]
        for other in names[1:]:
            self.market.reports(kelp.release(line, names[0], other, at=timezone.now() - DAY))
        path = stop_by_phone(line, Browser())
        yield "progress: nobody told yet", answered(path)
        kelp.is_told()
        for n in (1, 2, 3):
            kelp.signs(below=[kelp.signed_below(one) for one in names[:n]])
            yield f"progress: signed, with {n} of 3 behind it", answered(path)

    def on_what_proof(self) -> Read:
        """A company by its own word alone, after a stop, with an end; without a record; by whom somebody is watched."""
        for title in ("its own word", "an end", "no record", "somebody watches"):
            line = a_line()
            partner = self.market.partners["Ash Link"]
            use = a_campaign(
                partner.contract,
                self.market.a_company(f"Maple {title}").party,
                family_tracking=title.startswith("some"),
            )
            if title != "no record":
                by = "partner" if title == "its own word" else "carrier"
                ends = timezone.now() + 40 * DAY if title == "an end" else None
                an_approval(line, use, at=timezone.now() - 90 * DAY, verified_by=by, expires_at=ends)
            release = replace(partner, campaign=use).release
            self.market.reports(release(line, self.market.a_company(f"Maple {title}"), at=timezone.now() - DAY))
            path = f"/companies/{use.lbs_provider_id}/"
            yield f"a company by {title}", at_home(line, path)
            choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
            yield f"a company by {title}, stopped", at_home(line, path)
            if title == "an end":
                self.later()
                an_approval(line, use, at=timezone.now())
                yield "a company by a word that is newer than the stop", at_home(line, path)

    def much_of_one(self) -> Read:
        """A company with a long history, on the second line of an account."""
        first, (nettle,) = self.dealing("Nettle Link")
        line = a_line(account=first.account.carrier_id)
        an_approval(line, nettle.campaign, at=timezone.now() - 90 * DAY)
        service = self.market.a_company("Nettle Maps")
        days = (nettle.release(line, service, at=timezone.now() - n * DAY) for n in range(1, 61))
        self.market.reports(*days)
        path = f"/companies/{service.party.pk}/?line={line.public_id}"
        browser = signed_in(first)
        yield "a company with a long history", transcript(browser.get(path).text, but=("chart", "log", "flow"))

    def disputed(self) -> Read:
        """What was asked of two partners, and what each answered: one that it has proof, one late that it has none."""
        for title, name in (("evidence", "Oak Link"), ("none", "Olive Link")):
            line, (partner,) = self.dealing(name)
            signed_in(line).post("/choices/dispute/", {"scope": "party", "ref": partner.campaign.lbs_provider.uri})
            made = newest_choice(line)
            partner.is_told(after=MINUTE)
            said = {
                "method": "paper",
                "captured_at": "2050-05-03T17:20:00Z",
                "wording": "I agree",
                "evidence_ref": "4711",
            }
            with time_machine.travel(made.made_at + (9 if title == "none" else 1) * DAY, tick=False):
                partner.proves(title, **(said if title == "evidence" else {}))
                yield f"a dispute: {title}", at_home(line, f"/help/{made.id}/")
                signed_in(line).post(f"/help/dispute/{made.id}/withdraw/")
                yield f"a dispute that was withdrawn: {title}", page(made)

    def in_the_console(self) -> Read:
        """What an officer reads of an order that is to be signed by nobody, and of one on whose way others were."""
        line, (pine,) = self.dealing("Pine Link")
        company, *others = (self.market.a_company(f"Pine {name}") for name in ("Maps", "Two", "Three", "Four", "Five"))
        self.market.reports(pine.release(line, company, *others[:2], "unknown", at=timezone.now() - DAY))
        stop_everything(line)
        pine.is_told()
        statuses = ("in_progress", "completed", "completed", "completed")
        words = [
            pine.said_below(one, status=status) | {"at": f"2051-06-1{n}T12:00:00Z"}
            for n, (one, status) in enumerate(zip(others, statuses, strict=True))
        ]
        pine.signs(below=[pine.signed_below(company), *words])
        officer = staff(name="olaf")
        yield "the order of a stop", self.order(officer, line)
        for title, whose in (("a yes after it", line), ("a first yes", a_line())):
            self.later()
            allow(whose, pine)
            yield f"the order of {title}", self.order(officer, whose)

    def order(self, officer: Member, line: Line) -> list[str]:
        """The newest of a line, as an officer reads it who says why."""
        order = Order.objects.filter(line_id=line.pk).latest("queued_at")
        path = f"/admin/streams/{order.party_id}/orders/{order.id}/"
        shown = officer.client.post(path, {"kind": "call", "reason": "They called."})
        return transcript(shown.content.decode())


def page(choice: Choice) -> list[str]:
    """The page of a choice, as its line's person reads it now."""
    return at_home(Line.objects.get(pk=choice.line_id), choice_path(choice))


def at_home(line: Line, path: str) -> list[str]:
    """A page of a line's person."""
    found = signed_in(line).get(path)
    assert found.status_code == 200, (path, found.status_code)
    return transcript(found.text, but=("chart",))


def answered(path: str) -> list[str]:
    """A page of whoever has its address."""
    return transcript(Browser().get(path).text)
