"""A choice's receipt: on its page, on paper, in a mail; and what it says of what partners signed."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "receipt_carrier": Said(en="Carrier", es="Compañía telefónica"),
    "receipt_phone": Said(en="Phone number", es="Número de teléfono"),
    "back_to_choice": Said(en="Back to the choice", es="Volver a la decisión"),
    "receipt_title": Said(en="Receipt", es="Comprobante"),
    "receipt_choice": Said(en="Choice", es="Decisión"),
    "receipt_when": Said(en="When", es="Cuándo"),
    "receipt_until": Said(en="Until", es="Hasta"),
    "receipt_how": Said(en="How", es="Cómo"),
    "moment_in_both": Said(en="{moment} ({zone}) = {utc} UTC", es="{moment} ({zone}) = {utc} UTC"),
    "send_me": Said(en="Send me this", es="Enviarme esto"),
    "email_address": Said(en="E-mail address", es="Correo electrónico"),
    "not_kept": Said(
        en="Both files go to this address, once. We don't keep it. Whoever reads that mailbox can read them.",
        es="Los dos archivos van a esta dirección, una vez. No la guardamos. Quien lea ese buzón puede leerlos.",
    ),
    "mail_it": Said(en="Mail it", es="Enviarlo por correo"),
    "or_by_text": Said(
        en="Or get a text with a link to this page. The text says nothing of what is in it.",
        es="O reciba un mensaje con un enlace a esta página. El mensaje no dice nada de lo que contiene.",
    ),
    "text_me": Said(en="Text me a link", es="Enviarme un enlace"),
    "mail_on_its_way": Said(en="It is on its way to {to}.", es="Va en camino a {to}."),
    "text_on_its_way": Said(
        en="A text with a link is on its way to your phone.",
        es="Un mensaje con un enlace va en camino a su teléfono.",
    ),
    "enough_for_today": Said(
        en="That is enough for today. You can download it here.", es="Es suficiente por hoy. Puede descargarlo aquí."
    ),
    "by_carrier": Said(en="Signed by your carrier", es="Firmado por su compañía telefónica"),
    "by_partners": Said(en="Signed by the companies in between", es="Firmado por las empresas intermedias"),
    "signed_as_begun": Said(en="It signed that it has begun", es="Firmó que ha empezado"),
    "signed_as_done": Said(en="It signed that it is done", es="Firmó que está hecho"),
    "signed_as_refused": Said(en="It signed that it will not do it", es="Firmó que no lo hará"),
    "our_word": Said(en="Our own signed word that this came:", es="Nuestra palabra firmada de que esto llegó:"),
    "how_to_check": Said(en="How to check it", es="Cómo comprobarlo"),
    "check_by_keys": Said(
        en="The long text is signed (a JSON Web Signature). Anyone can check it with our published keys, without "
        "asking us: /.well-known/jwks.json",
        es="El texto largo está firmado (una firma JSON Web Signature). Cualquiera puede comprobarlo con nuestras "
        "claves publicadas, sin preguntarnos: /.well-known/jwks.json",
    ),
    "check_by_program": Said(
        en="The PDF and the JSON file hold the same signed texts. The program that checks them is part of this "
        "portal's source, and needs no network: uv run manage.py verify_receipt receipt-{number}.pdf --jwks jwks.json",
        es="El PDF y el archivo JSON contienen los mismos textos firmados. El programa que los verifica es parte del "
        "código de este portal y no necesita red: uv run manage.py verify_receipt receipt-{number}.pdf --jwks "
        "jwks.json",
    ),
    "attached_inside": Said(
        en="The whole signed text is attached inside this file. Anyone can check it with our published keys, without "
        "asking us:",
        es="El texto firmado completo va adjunto dentro de este archivo. Cualquiera puede verificarlo con nuestras "
        "claves publicadas, sin preguntarnos:",
    ),
    "mail_subject": Said(en="Receipt {number}", es="Comprobante {number}"),
    "mail_first": Said(
        en="Here is the receipt {number} that you asked for, as a page to print and as a file.",
        es="Aquí está el comprobante {number} que pidió, como página para imprimir y como archivo.",
    ),
    "mail_second": Said(
        en="Anyone can check it without us, by the keys at http://localhost:8000/.well-known/jwks.json",
        es="Cualquiera puede verificarlo sin nosotros, con las claves de http://localhost:8000/.well-known/jwks.json",
    ),
}
