"""The page behind the link of a stop, the pages of a person's choices, and how far each partner is."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    # The page behind the link
    "you_stopped_all": Said(en="You stopped all sharing", es="Usted detuvo todo el uso compartido"),
    "you_stopped_all_for": Said(
        en="You stopped all sharing for {number}", es="Usted detuvo todo el uso compartido de {number}"
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
        es="No había ninguna empresa que avisar. Si viene una después, le decimos que no.",
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
    # The page of a choice
    "crumb": Said(en="Choices / {moment}", es="Decisiones / {moment}"),
    "all_is_off": Said(
        en="All sharing is off. We have said no to every company since {exact}.",
        es="No se comparte nada. Decimos que no a todas las empresas desde el {exact}.",
    ),
    "done_and_now": Said(
        en="That part is done and depends on nobody else. Now each company has to delete what it holds, and sign for "
        "it. Here is how far they are.",
        es="Esa parte está hecha y no depende de nadie más. Ahora cada empresa tiene que borrar lo que guarda y "
        "firmarlo. Aquí ve por dónde van.",
    ),
    "how_far_each": Said(en="How far each company is", es="Por dónde va cada empresa"),
    "ask_about_this": Said(en="Ask about this", es="Preguntar por esto"),
    "as_of": Said(en="As of {second}.", es="A las {second}."),
    "as_of_open": Said(
        en="As of {second}. Load the page again to see what is new; with JavaScript it does so by itself.",
        es="A las {second}. Cargue la página otra vez para ver lo nuevo; con JavaScript se actualiza sola.",
    ),
    "signed_proof": Said(
        en="It is signed. You can prove this choice without us, for as long as you keep it.",
        es="Está firmado. Puede probar esta decisión sin nosotros, mientras lo guarde.",
    ),
    "see_or_download": Said(en="See it Download (PDF)", es="Verlo Descargar (PDF)"),
    "what_you_read": Said(en="What you read before you chose", es="Lo que leyó antes de decidir"),
    # The privacy office words it in English first: until it does in Spanish, everybody reads the English.
    "notice_of_stop": Said(
        en="Stopping is in force at once and stays until you yourself allow again. It changes nothing about your phone "
        "service. 911 can still find you.",
        es="Stopping is in force at once and stays until you yourself allow again. It changes nothing about your phone "
        "service. 911 can still find you.",
    ),
    "kept_word_for_word": Said(
        en="Kept word for word. Your receipt names it by this number: {digest}",
        es="Guardado palabra por palabra. Su comprobante lo nombra con este número: {digest}",
    ),
    "zone": Said(
        en="Times are {zone}, the zone of the state this line is registered in.",
        es="Las horas son de la zona del estado de esta línea: {zone}.",
    ),
    # Where an order stands, in a few words
    "tag_on_its_way": Said(en="On its way", es="En camino"),
    "tag_told": Said(en="Told, no answer yet", es="Avisada, aún sin respuesta"),
    "tag_held_back": Said(en="Held back", es="Retenido"),
    "tag_received_deletion": Said(en="Received, deletion not yet signed", es="Recibido, borrado aún sin firmar"),
    "tag_received_owing": Said(en="Received, not yet signed", es="Recibido, aún sin firmar"),
    "tag_received": Said(en="Received", es="Recibido"),
    "tag_deleted": Said(en="Signed as deleted", es="Firmado como borrado"),
    "tag_signed": Said(en="Signed", es="Firmado"),
    "tag_in_part": Said(en="Signed in part", es="Firmado en parte"),
    "tag_refused": Said(en="Refused", es="Rechazado"),
    "tag_went_on": Said(en="Went on after signing", es="Siguió después de firmar"),
    "tag_unconfirmed": Said(en="Not yet confirmed", es="Aún sin confirmar"),
    "tag_late": Said(en="Late", es="Con retraso"),
    "tag_replaced": Said(en="Replaced", es="Reemplazado"),
    # The steps at one partner
    "blocked": Said(en="Blocked here {at}", es="Bloqueado aquí {at}"),
    "told": Said(en="Told {at}", es="Avisada {at}"),
    "already_told": Said(en="Already told {at}", es="Ya avisada {at}"),
    "not_told": Said(en="Not told yet", es="Aún sin avisar"),
    "not_told_held_back": Said(
        en="Not told yet: held back, we are looking into it", es="Aún sin avisar: retenido, lo estamos mirando"
    ),
    "tried_1": Said(en="Tried {n} time. We keep trying.", es="Lo intentamos {n} vez. Seguimos intentando."),
    "tried_n": Said(en="Tried {n} times. We keep trying.", es="Lo intentamos {n} veces. Seguimos intentando."),
    "received": Said(en="Received {at}", es="Recibido {at}"),
    "not_received": Said(en="Not received yet", es="Aún no recibido"),
    "unconfirmed": Said(en="Not yet confirmed", es="Aún sin confirmar"),
    "refused": Said(en="Refused", es="Rechazado"),
    "deletion_unsigned": Said(
        en="Signed that it deleted your data, and that those below it did: not yet",
        es="Firmar que borró sus datos, ella y las que están por debajo: todavía no",
    ),
    "deletion_signed": Said(en="{party} signed that it deleted your data", es="{party} firmó que borró sus datos"),
    "so_did_1": Said(
        en=", and so did {n} company below it ({names})", es=", y también {n} empresa por debajo ({names})"
    ),
    "so_did_n": Said(
        en=", and so did {n} companies below it ({names})", es=", y también {n} empresas por debajo ({names})"
    ),
    "by_word_1": Said(
        en="{party} also says so of {names}, which has not signed itself.",
        es="{party} también lo dice de {names}, que no ha firmado.",
    ),
    "by_word_n": Said(
        en="{party} also says so of {names}, which have not signed themselves.",
        es="{party} también lo dice de {names}, que no han firmado.",
    ),
    "missing_1": Said(
        en="{n} company below it has not: {names}.", es="{n} empresa por debajo no lo ha hecho: {names}."
    ),
    "missing_n": Said(
        en="{n} companies below it have not: {names}.", es="{n} empresas por debajo no lo han hecho: {names}."
    ),
    "one_unnamed": Said(en="There is one company we can't name.", es="Hay una empresa que no podemos nombrar."),
    "went_on": Said(
        en="But it asked for your location, or used it, after that. We opened a case.",
        es="Pero después pidió su ubicación o la usó. Abrimos un caso.",
    ),
    "due_by": Said(
        en="Due by {day}. If it is late, our privacy office takes it up.",
        es="Plazo: {day}. Si se retrasa, nuestra oficina de privacidad se ocupa.",
    ),
    "was_due": Said(
        en="It was due on {day}. Our privacy office has taken it up.",
        es="El plazo era el {day}. Nuestra oficina de privacidad se ocupa de ello.",
    ),
}
