"""The company that is told by our own trial: it hears of orders, like any."""

from datetime import datetime

from django.db import transaction

from accounts.primitives import synthetic
from partners.domain import keys
from partners.models import SigningKey
from partners.primitives.tokens import BadToken
from revocations.models import Order
from support.models import CanaryRun


@transaction.atomic
def hear_canary(*, token: str, at: datetime) -> bool:
    """Take an event that was pushed to our own trial. Returns whether it is one: signed by us, for nobody else.

    Of an order to stop it is written down that it came.
    """
    try:
        claims = keys.verify_own(use=SigningKey.Use.ORDER, token=token)
    except BadToken:
        return False
    if claims.get("aud") != synthetic.PARTY:
        return False
    order = Order.objects.filter(jti=str(claims.get("jti"))).first()
    if order is not None and order.lane == Order.Lane.STOP:
        CanaryRun.objects.filter(finished_at__isnull=True).update(heard_order_id=order.id, heard_at=at)
    return True
