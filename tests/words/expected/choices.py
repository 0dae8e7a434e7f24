"""The page behind the link of a stop, the pages of a person's choices, and how far each partner is."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    # The page behind the link
    "you_stopped_all": Said(en="You stopped all sharing", es="Usted detuvo todo el uso compartido"),
    "you_stopped_all_for": Said(
        en="You stopped all sharing for {number}",
        es="Usted detuvo todo el uso compartido del {number}",
    ),
    "began_to_say_no": Said(
        en="We began to say no to every company on {exact} ({zone}). That depends on nobody else. What was "
        "agreed before no longer counts.",
        es="Empezamos a decir que no a todas las empresas el {exact} ({zone}). Eso no depende de nadie más. Lo "
        "que se había acordado antes ya no vale.",
    ),
    "how_far": Said(en="How far the companies are", es="Por dónde van las empresas"),
    "concerns": Said(en="Companies this concerns", es="Empresas a las que toca"),
    "count_waiting": Said(en="Waiting to hear from them", es="Esperando su respuesta"),
    "count_received": Said(en="Received our order", es="Recibieron nuestra orden"),
    "count_signed": Said(en="Signed that they did it", es="Firmaron que lo hicieron"),
    "count_in_part": Said(
        en="Signed in part: a company below has not signed yet",
        es="Firmado en parte: una empresa por debajo aún no ha firmado",
    ),
    "count_looked_into": Said(en="Not done, we are looking into it", es="No hecho, lo estamos viendo"),
    "what_received_means": Said(
        en="These are companies we deal with directly. Received means that their system has our order, not yet "
        "that they deleted anything.",
        es="Son empresas con las que tratamos directamente. Recibido significa que su sistema tiene nuestra "
        "orden, no que ya borraron algo.",
    ),
    "load_again": Said(en="Load the page again to see what is new.", es="Cargue la página otra vez para ver lo nuevo."),
    "nobody_to_tell": Said(
        en="There was no company to tell. If one comes later, we say no to it.",
        es="No había ninguna empresa a la que avisar. Si llega una más tarde, le decimos que no.",
    ),
    "your_receipt": Said(en="Your receipt", es="Su comprobante"),
    "receipt_number_is": Said(
        en="Number {number}, signed by us. Anyone can check it without us.",
        es="Número {number}, firmado por nosotros. Cualquiera puede comprobarlo sin nosotros.",
    ),
    "view_it": Said(en="View it", es="Verlo"),
    "both_hold": Said(
        en="Download it as a PDF to print, or as JSON for programs. Both hold what was signed.",
        es="Descárguelo como PDF para imprimirlo o como JSON para programas. Los dos contienen lo que se firmó.",
    ),
    "by_mail_sign_in": Said(
        en="To get it by mail or by text, sign in.",
        es="Para recibirlo por correo o por mensaje, entre.",
    ),
    "keep_the_address": Said(
        en="Keep this page's address: it shows how far they are for 30 days, to whoever has it. To others it "
        "names no company and no number.",
        es="Guarde la dirección de esta página: durante 30 días muestra por dónde van, a quien la tenga. A los "
        "demás no les nombra ninguna empresa ni ningún número.",
    ),
    "by_name_sign_in": Said(
        en="To see the companies by name and what each of them signed, or to allow one again, sign in.",
        es="Para ver las empresas por su nombre y lo que firmó cada una, o permitir una otra vez, entre.",
    ),
    "pacific": Said(en="Pacific time", es="hora del Pacífico"),
}
