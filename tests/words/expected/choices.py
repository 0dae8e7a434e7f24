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
        en="Your stop took effect on {exact} ({zone}). That depends on nobody else. What was agreed before no "
        "longer counts.",
        es="Su decisión de detener entró en vigor el {exact} ({zone}). Eso no depende de nadie más. Lo que se "
        "había acordado antes ya no vale.",
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
    "below_signed_1": Said(en="{n} company below them has signed too.", es="{n} empresa por debajo también firmó."),
    "below_signed_n": Said(
        en="{n} companies below them have signed too.", es="{n} empresas por debajo también firmaron."
    ),
    "below_missing_1": Said(en="{n} has not signed.", es="{n} no ha firmado."),
    "below_missing_n": Said(en="{n} have not signed.", es="{n} no han firmado."),
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
    "kept_word_for_word": Said(
        en="Kept word for word. Your receipt names it by this number: {digest}",
        es="Guardado palabra por palabra. Su comprobante lo nombra con este número: {digest}",
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
    "tag_replaced": Said(en="Replaced", es="Sustituido"),
    # The steps at one partner
    "blocked": Said(en="Blocked here {at}", es="Bloqueado aquí {at}"),
    "told_at": Said(en="Told {at}", es="Avisada {at}"),
    "already_told": Said(en="Already told {at}", es="Ya avisada {at}"),
    "not_told": Said(en="Not told yet", es="Aún sin avisar"),
    "not_told_held_back": Said(
        en="Not told yet: held back, we are looking into it", es="Aún sin avisar: retenido, lo estamos mirando"
    ),
    "tried_1": Said(en="Tried {n} time. We keep trying.", es="Lo intentamos {n} vez. Seguimos intentando."),
    "tried_n": Said(en="Tried {n} times. We keep trying.", es="Lo intentamos {n} veces. Seguimos intentando."),
    "received_at": Said(en="Received {at}", es="Recibido {at}"),
    "not_received": Said(en="Not received yet", es="Aún no recibido"),
    "unconfirmed": Said(en="Not yet confirmed", es="Aún sin confirmar"),
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
    "allowed_here": Said(en="Allowed here {at}", es="Permitido aquí {at}"),
    "use_unsigned": Said(
        en="Signed that it stopped using your data, and that those below it did: not yet",
        es="Firmar que dejó de usar sus datos, ella y las que están por debajo: todavía no",
    ),
    "use_signed": Said(
        en="{party} signed that it stopped using your data", es="{party} firmó que dejó de usar sus datos"
    ),
    "deletion_unsigned_of": Said(
        en="Signed that it deleted what {names} had about you: not yet",
        es="Firmar que borró lo que {names} tenía sobre usted: todavía no",
    ),
    "deletion_signed_of": Said(
        en="{party} signed that it deleted what {names} had about you",
        es="{party} firmó que borró lo que {names} tenía sobre usted",
    ),
    "not_for_all": Said(en="It did not sign for everything we asked.", es="No firmó todo lo que pedimos."),
    # Where a newer message took the place of the one that told of it
    "later_choice": Said(
        en="A later choice of yours took its place.", es="Una decisión suya posterior ocupó su lugar."
    ),
    "newer_message": Said(
        en="A newer message took the place of this one.", es="Un mensaje más reciente ocupó el lugar de este."
    ),
    "newer_shown": Said(
        en="A newer message took the place of this one. This is how far the newer one is.",
        es="Un mensaje más reciente ocupó el lugar de este. Así va el más reciente.",
    ),
    "newer_carries_on": Said(
        en="A newer message took the place of this one and carries on what it asked. This is how far the newer one is.",
        es="Un mensaje más nuevo sustituyó a este y sigue pidiendo lo mismo. Aquí ve por dónde va el nuevo.",
    ),
    # Titles, and what is so now
    "you_paused_all": Said(en="You paused all sharing", es="Usted puso en pausa todo el uso compartido"),
    "you_allowed": Said(en="You allowed {name}: {why}", es="Usted permitió a {name}: {why}"),
    "you_stopped": Said(en="You stopped {name}", es="Usted detuvo a {name}"),
    "paused_until": Said(
        en="We say no from {exact} until {moment}. Then what was there before counts again.",
        es="Decimos que no desde el {exact} hasta el {moment}. Después vuelve a valer lo que había antes.",
    ),
    "pause_over": Said(
        en="We said no from {exact} until {moment}. That is over: what was there before counts again.",
        es="Dijimos que no desde el {exact} hasta el {moment}. Eso ya terminó: vuelve a valer lo que había antes.",
    ),
    "yes_until": Said(
        en="We say yes when it asks, since {exact} and until {moment}. You can stop it at any time, in one step.",
        es="Decimos que sí cuando pregunta, desde el {exact} y hasta el {moment}. Puede detenerlo cuando quiera, en un "
        "paso.",
    ),
    "yes": Said(
        en="We say yes when it asks, since {exact}. You can stop it at any time, in one step.",
        es="Decimos que sí cuando pregunta, desde el {exact}. Puede detenerlo cuando quiera, en un paso.",
    ),
    "yes_gone": Said(
        en="It does not count now: we say no when it asks.", es="Ahora no cuenta: decimos que no cuando pregunta."
    ),
    "no_since": Said(
        en="We have said no since {exact}. That part is done and depends on nobody else.",
        es="Decimos que no desde el {exact}. Esa parte está hecha y no depende de nadie más.",
    ),
    "no_changed": Said(
        en="We said no from {exact}. A newer choice changed that on {changed}.",
        es="Dijimos que no desde el {exact}. Una decisión más reciente lo cambió el {changed}.",
    ),
    "see_now": Said(en="See where things stand now", es="Ver cómo está todo ahora"),
    "again_1": Said(
        en="Since then {n} use was allowed again, by name. See where things stand now",
        es="Desde entonces se permitió otra vez {n} uso, por su nombre. Ver cómo está todo ahora",
    ),
    "again_n": Said(
        en="Since then {n} uses were allowed again, by name. See where things stand now",
        es="Desde entonces se permitieron otra vez {n} usos, por su nombre. Ver cómo está todo ahora",
    ),
    "nobody_told": Said(
        en="That part is done and depends on nobody else. There was no company to tell. If one comes later, we say no "
        "to it.",
        es="Esa parte está hecha y no depende de nadie más. No había ninguna empresa que avisar. Si viene una después, "
        "le decimos que no.",
    ),
    "roadside": Said(en="To give you a service you asked for", es="Para darle un servicio que pidió"),
    "notice_of_yes": Said(
        en="If you say yes, {names} may learn where your phone is, for this only: {why}. How exactly: within about "
        "500 m. Until: the day you choose, and never longer than {day}. Saying no changes nothing about your phone "
        "service, and you can stop at any time on this page.",
        es="Si dice que sí, {names} podrán saber dónde está su teléfono, solo para esto: {why}. Con qué exactitud: a "
        "unos 500 m. Hasta: el día que elija, y nunca más allá del {day}. Decir que no no cambia nada de su servicio, "
        "y puede detenerlo cuando quiera en esta página.",
    ),
    "and_last": Said(en="{some} and {last}", es="{some} y {last}"),
    "companies_about": Said(en="The companies it was about: {names}", es="Las empresas de las que trataba: {names}"),
    "you_stopped_kind": Said(
        en="You stopped every use of this kind: {why}", es="Usted detuvo todos los usos de este tipo: {why}"
    ),
    "you_stopped_use": Said(en="You stopped one use by {name}: {why}", es="Usted detuvo un uso de {name}: {why}"),
    "you_paused": Said(en="You paused {name}", es="Usted puso en pausa a {name}"),
    "you_paused_kind": Said(
        en="You paused every use of this kind: {why}", es="Usted puso en pausa todos los usos de este tipo: {why}"
    ),
    "you_said_no": Said(en="You said no to {name}", es="Usted dijo que no a {name}"),
    "you_disputed": Said(en="You said you never agreed to {name}", es="Usted dijo que nunca aceptó a {name}"),
    "you_disputed_all": Said(en="You said you never agreed", es="Usted dijo que nunca aceptó"),
    "we_suspended": Said(en="We suspended {name} for this phone", es="Suspendimos a {name} para este teléfono"),
    "was_stopped_all": Said(en="All sharing was stopped", es="Se detuvo todo"),
    "was_stopped": Said(en="{name} was stopped", es="Se detuvo a {name}"),
    "was_stopped_kind": Said(
        en="Every use of this kind was stopped: {why}", es="Se detuvo todo uso de este tipo: {why}"
    ),
    "was_stopped_use": Said(en="One use by {name} was stopped: {why}", es="Se detuvo un uso de {name}: {why}"),
    "was_paused_all": Said(en="All sharing was paused", es="Se puso todo en pausa"),
    "was_paused": Said(en="{name} was paused", es="Se puso en pausa a {name}"),
    "was_paused_kind": Said(
        en="Every use of this kind was paused: {why}", es="Se puso en pausa todo uso de este tipo: {why}"
    ),
    "was_allowed": Said(en="{name} was allowed: {why}", es="Se permitió a {name}: {why}"),
    "was_said_no": Said(en="{name} was told no", es="Se dijo que no a {name}"),
    "was_disputed": Said(en="It was said that nobody agreed to {name}", es="Se dijo que nadie había aceptado a {name}"),
    "was_disputed_all": Said(en="It was said that nobody agreed", es="Se dijo que nadie había aceptado"),
    "case_opened": Said(
        en="We opened a case. Our privacy office looks into it. See the case",
        es="Abrimos un caso. Nuestra oficina de privacidad lo examina. Ver el caso",
    ),
    "paused_but": Said(
        en="We say no from {exact} until {moment}, but for what was allowed after that. Then what was there before "
        "counts again.",
        es="Decimos que no desde el {exact} hasta el {moment}, salvo lo que se permitió después. Después vuelve a "
        "valer lo que había antes.",
    ),
    "suspended_since": Said(
        en="We have said no since {exact}. It looked up this phone when it should not have. It stays so until you "
        "allow it: nobody else can, and neither can we.",
        es="Decimos que no desde el {exact}. Consultó este teléfono cuando no debía. Sigue así hasta que usted la "
        "permita: nadie más puede, y nosotros tampoco.",
    ),
    "file_gone": Said(
        en="Taken over from an earlier system. It does not count now: we say no when it asks.",
        es="Tomado de un sistema anterior. Ahora no cuenta: decimos que no cuando pregunta.",
    ),
    "file_over_before": Said(
        en="Taken over from an earlier system. It had ended before it came here.",
        es="Tomado de un sistema anterior. Ya había terminado antes de llegar aquí.",
    ),
    "file_since": Said(
        en="Taken over from an earlier system; in force here since {exact}.",
        es="Tomado de un sistema anterior; vigente aquí desde el {exact}.",
    ),
    "file_since_until": Said(
        en="Taken over from an earlier system; in force here since {exact} and until {moment}.",
        es="Tomado de un sistema anterior; vigente aquí desde el {exact} y hasta el {moment}.",
    ),
    "file_was_until": Said(
        en="Taken over from an earlier system; it was in force here from {exact} until {moment}.",
        es="Tomado de un sistema anterior; rigió aquí desde el {exact} hasta el {moment}.",
    ),
    "file_changed": Said(
        en="Taken over from an earlier system; in force here since {exact}. A newer choice or record has changed that "
        "for a part, or for all of it.",
        es="Tomado de un sistema anterior; vigente aquí desde el {exact}. Una decisión o un registro más reciente lo "
        "cambió en parte o del todo.",
    ),
    "file_until_changed": Said(
        en="Taken over from an earlier system; in force here since {exact} and until {moment}. A newer choice or "
        "record has changed that for a part, or for all of it.",
        es="Tomado de un sistema anterior; vigente aquí desde el {exact} y hasta el {moment}. Una decisión o un "
        "registro más reciente lo cambió en parte o del todo.",
    ),
    "no_receipt_of_ours": Said(
        en="Made in an earlier system, so it has no receipt of ours.",
        es="Hecha en un sistema anterior, así que no tiene comprobante nuestro.",
    ),
    "over_nothing_to_block": Said(
        en="Nothing to block: it had ended {at}", es="Nada que bloquear: ya había terminado {at}"
    ),
    # Who made it, and how
    "by_signed_in": Said(en="Made by a signed-in person", es="Hecho por una persona que entró"),
    "by_phone": Said(en="Made without an account, with this phone", es="Hecho sin cuenta, con este teléfono"),
    "by_agent": Said(en="Made for you by a support agent", es="Hecho por un agente en su nombre"),
    "by_program": Said(
        en="Taken over from an earlier program, “{program}”", es="Tomado de un programa anterior, «{program}»"
    ),
    "by_file": Said(en="Taken over from an earlier system", es="Tomado de un sistema anterior"),
    "by_signal": Said(
        en="By the privacy signal of a browser (Global Privacy Control)",
        es="Por la señal de privacidad de un navegador (Global Privacy Control)",
    ),
    "by_us": Said(
        en="By us, after what our records show", es="Lo hicimos nosotros, por lo que muestran nuestros registros"
    ),
    "by_growing_up": Said(
        en="By us: the account holder had allowed it, and this phone became an adult's",
        es="Por nosotros: el titular de la cuenta lo había permitido, y este teléfono pasó a ser de una persona adulta",
    ),
    "by_delegate": Said(
        en="Made by somebody who was asked to look after this line",
        es="La tomó alguien a quien se pidió cuidar de esta línea",
    ),
    "by_holder": Said(en="Made by the account holder", es="La tomó el titular de la cuenta"),
    "by_user": Said(en="Made by the person who uses this phone", es="La tomó la persona que usa este teléfono"),
    # The list
    "every_choice": Said(en="Every choice you made", es="Todas sus decisiones"),
    "kept_for_ever": Said(
        en="Each one is kept for ever. Those you make here have a signed receipt. A stop stays until you yourself "
        "allow again.",
        es="Cada una se guarda para siempre. Las que hace aquí tienen un comprobante firmado. Un no vale hasta que "
        "usted mismo permita otra vez.",
    ),
    "receipt": Said(en="Receipt {number}", es="Comprobante {number}"),
    "have_message_1": Said(
        en="{k} of {n} company in between has the message", es="{k} de {n} empresa intermedia tiene el mensaje"
    ),
    "have_message_n": Said(
        en="{k} of {n} companies in between have the message", es="{k} de {n} empresas intermedias tienen el mensaje"
    ),
    "still_open": Said(en="Still open: {names}.", es="Pendientes: {names}."),
    "have_signed_1": Said(en="{k} of {n} company in between has signed", es="{k} de {n} empresa intermedia ha firmado"),
    "have_signed_n": Said(
        en="{k} of {n} companies in between have signed", es="{k} de {n} empresas intermedias han firmado"
    ),
    "no_choices": Said(en="No choices yet", es="Aún no hay decisiones"),
    "will_be_listed": Said(
        en="When you stop, pause or allow something, it will be listed here, with a receipt and with how far each "
        "company has come.",
        es="Cuando detenga, ponga en pausa o permita algo, aparecerá aquí, con un comprobante y con lo que lleva hecho "
        "cada empresa.",
    ),
    "nothing_older": Said(en="Nothing older.", es="No hay nada más antiguo."),
    "newest": Said(en="Newest", es="Lo más reciente"),
    "older": Said(en="Older", es="Más antiguas"),
    "fraud": Said(en="To spot fraud", es="Para detectar fraudes"),
    # What the tab of a browser says
    "tab": Said(en="{title} · Whereabouts", es="{title} · Whereabouts"),
    "tab_suspended": Said(en="We suspended a company", es="Suspendimos a una empresa"),
    "tab_another": Said(en="A choice about this phone", es="Una decisión sobre este teléfono"),
    "tab_allowed": Said(en="You allowed one use", es="Usted permitió un uso"),
    "tab_paused": Said(en="You paused sharing", es="Usted puso en pausa"),
    "tab_stop": Said(en="You said stop", es="Usted dijo que no"),
    "tab_choices": Said(en="Your choices", es="Sus decisiones"),
    # While no company gets anything
    "closed_now": Said(
        en="Right now no company gets your location from us. We are checking our records after a repair. Until that is "
        "done we say no to every company.",
        es="En este momento ninguna empresa recibe su ubicación de nosotros. Estamos revisando nuestros registros "
        "después de una reparación. Hasta terminar, decimos que no a todas las empresas.",
    ),
    "closed_stays": Said(
        en="What you stopped stays stopped. You can stop more at any time. 911 can find you as always.",
        es="Lo que usted detuvo sigue detenido. Puede detener más en cualquier momento. El 911 puede encontrarle como "
        "siempre.",
    ),
}
