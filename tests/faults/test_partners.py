"""Partners that drip, flap, lie and hand in everything twice, and gateways that are away: nobody else is hurt."""

import threading
from datetime import timedelta

from django.utils import timezone
from pytest_django import Settings

from accounts.actions import sms_outbox
from accounts.models import Message
from audit.queries import database_clock
from revocations.actions.redelivery import recover_since
from revocations.models import TO_PUSH, Order
from revocations.workers.delivery import delivery_rounds
from tests.faults.fixtures import World
from tests.faults.invariants import Asker, deliver_what_is_left, invariants
from tests.faults.long import long_run
from tests.faults.programs import free_port, get, until
from tests.faults.relay import relay_to
from tests.faults.stopping import Stopper
from tests.staff import an_actor, move_endpoints

STOPS = 24


def open_at(partner_id: int) -> int:
    return Order.objects.filter(state__in=TO_PUSH, party_id=partner_id).count()


@long_run
def test_a_partner_that_drips_flaps_and_lies_is_nobody_elses_trouble(world: World, settings: Settings) -> None:
    geo, north = world.partners["GeoBridge"], world.partners["NorthLink"]
    away = f"127.0.0.1:{free_port()}"
    world.programs.more |= {
        "SMS_BACKEND": "partners.clients.sms.HttpBackend",
        "SMS_WEBHOOK_URL": f"http://{away}/texts", "SMS_WEBHOOK_TOKEN": "t",
        "EMAIL_URL": f"smtp://{away}",
    }  # fmt: skip
    # Here too nothing is handed over while somebody waits.
    settings.SMS_BACKEND, settings.SMS_WEBHOOK_URL = "partners.clients.sms.HttpBackend", f"http://{away}/texts"
    began = database_clock()
    lines = [world.a_line() for _ in range(STOPS)]
    sms_outbox.enqueue_text(line_id=lines[0].pk, kind=Message.Kind.STAFF, words="something changed.", at=began)
    north.misbehave("duplicate")
    asker = Asker(world, lines)
    with relay_to("127.0.0.1", geo.program.port) as relay:
        # What it takes it does not keep, from here to the end.
        geo.misbehave("gullible")
        relay.dripping.set()
        move_endpoints(geo.contract, endpoint_url=f"http://127.0.0.1:{relay.port}/events")
        worker = world.programs.worker()
        asker.start()
        stopper = Stopper(world, lines, asker)
        stopper.start()
        # Who answers well is told of everybody, although GeoBridge's answers never end and no text goes out.
        stopper.join()
        until(lambda: open_at(north.party.pk) == 0, 15, lambda: worker.log.read_text()[-2000:])
        assert open_at(geo.party.pk) > 0
        relay.dripping.clear()
        for fault in ("down", "gullible", "err500", "gullible") * 2:
            geo.misbehave(fault)
            threading.Event().wait(0.15)
        deliver_what_is_left()
    worker.kill()
    move_endpoints(geo.contract, endpoint_url=f"{geo.url}/events")
    # It said that it took them, and has kept none: an officer has it told again.
    geo.misbehave("none")
    assert get(f"{geo.url}/received") == []
    recover_since(party_id=geo.party.pk, since=began, actor=an_actor(), reason="It lost them.", at=timezone.now())
    told_again()
    asker.end()
    # The text waits, and has been tried.
    text = Message.objects.get(line_id=lines[0].pk)
    assert (text.taken_at, text.doubt_at, text.tries > 0) == (None, None, True)
    invariants(world, stopped=lines, asker=asker)


def told_again() -> None:
    """Until nothing that was taken before is due once more."""
    hours = iter(range(10, 1000, 10))

    def all_taken() -> bool:
        delivery_rounds.sweep(now=database_clock() + timedelta(hours=next(hours)))
        return not Order.objects.filter(again_at__isnull=False).exists()

    until(all_taken, 30)
