"""The desk."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "what_is_known": Said(en="What is known", es="Lo que se sabe"),
    "clocks": Said(en="Clocks", es="Plazos"),
    "answer_due": Said(en="Answer due", es="Plazo de respuesta"),
    "opened": Said(en="Opened", es="Abierto"),
    "whose": Said(en="Whose", es="De quién"),
    "nobodys": Said(en="nobody's", es="de nadie"),
    "what_partners_were_told": Said(en="What partners were told", es="Lo que se les dijo a los socios"),
    "suspension": Said(en="Suspension", es="Suspensión"),
    "what_it_is_about": Said(en="What it is about", es="De qué trata"),
    "purpose": Said(en="Purpose", es="Para qué"),
    "basis": Said(en="Basis", es="Fundamento"),
    "choice": Said(en="Choice", es="Decisión"),
    "a_stop": Said(en="A stop", es="Una detención"),
    "about": Said(en="About", es="Sobre"),
    "all_sharing": Said(en="all sharing", es="todo el uso compartido"),
    "made": Said(en="Made", es="Tomada"),
    "receipt_label": Said(en="Receipt", es="Comprobante"),
    "proof_that_they_agreed": Said(en="Proof that they agreed", es="Prueba de que aceptó"),
    "captured_by": Said(en="Captured by", es="Obtenida por"),
    "ask_the_partner_for": Said(en="Ask the partner for proof", es="Pedir la prueba al socio"),
    "queued": Said(en="queued", es="en cola"),
    "sent": Said(en="sent", es="enviada"),
    "try": Said(en="try", es="intento"),
    "acknowledged": Said(en="acknowledged", es="recepción confirmada"),
    "the_partner_refused": Said(en="The partner refused", es="El socio se negó"),
    "begun_signed": Said(en="Signed as begun", es="Firmado como empezado"),
    "to_be_signed_as": Said(en="To be signed as done by", es="Debe firmarse como hecha a más tardar el"),
    "send_it_again": Said(en="Send it again", es="Enviarla otra vez"),
    "waiting_to_be_sent": Said(en="Waiting to be sent", es="En espera de enviarse"),
    "sent_not_confirmed_yet": Said(en="Sent, not confirmed yet", es="Enviado, aún sin confirmar"),
    "received_by_the_partner": Said(en="Received by the partner", es="Recibido por el socio"),
    "held_back_we_are": Said(en="Held back, we are looking into it", es="Retenido, lo estamos revisando"),
    "the_person": Said(en="The person", es="La persona"),
    "line_of_its_account": Said(
        en="Line of its account holder, number hidden",
        es="Línea del titular de su cuenta, número oculto",
    ),
    "number": Said(en="Number", es="Número"),
    "see_whose_it_is": Said(en="See whose it is", es="Ver de quién es"),
    "stop_for_them": Said(en="Stop for them", es="Detener por ella"),
}
