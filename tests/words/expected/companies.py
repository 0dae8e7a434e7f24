"""The page of one company."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "it_got_this_phones_1": Said(
        en="It got this phone's location {n} time.",
        es="Recibió la ubicación de este teléfono {n} vez.",
    ),
    "it_got_this_phones_n": Said(
        en="It got this phone's location {n} times.",
        es="Recibió la ubicación de este teléfono {n} veces.",
    ),
    "others_got_this_phones_1": Said(
        en="Others got this phone's location through it {n} time.",
        es="Otras recibieron la ubicación de este teléfono a través de ella {n} vez.",
    ),
    "others_got_this_phones_n": Said(
        en="Others got this phone's location through it {n} times.",
        es="Otras recibieron la ubicación de este teléfono a través de ella {n} veces.",
    ),
    "others_got_this_phones_location_1": Said(
        en="Others got this phone's location and passed it on to this company {n} time.",
        es="Otras recibieron la ubicación de este teléfono y se la pasaron a esta empresa {n} vez.",
    ),
    "others_got_this_phones_location_n": Said(
        en="Others got this phone's location and passed it on to this company {n} times.",
        es="Otras recibieron la ubicación de este teléfono y se la pasaron a esta empresa {n} veces.",
    ),
    "of_them_in_the_1": Said(en="{n} of them in the last 30 days.", es="{n} de ellas en los últimos 30 días."),
    "of_them_in_the_n": Said(en="{n} of them in the last 30 days.", es="{n} de ellas en los últimos 30 días."),
    "nothing_in_the_name": Said(
        en="Nothing in the name of an agreement with you.",
        es="Nada en nombre de un acuerdo con usted.",
    ),
    "nothing_yet_stop": Said(en="Nothing yet.", es="Nada todavía."),
    "others_asked_through_it_1": Said(
        en="Others asked through it {n} time and were refused.",
        es="Otras preguntaron a través de ella {n} vez y se les negó.",
    ),
    "others_asked_through_it_n": Said(
        en="Others asked through it {n} times and were refused.",
        es="Otras preguntaron a través de ella {n} veces y se les negó.",
    ),
    "others_asked_for_this_1": Said(
        en="Others asked for this company {n} time and were refused.",
        es="Otras preguntaron para esta empresa {n} vez y se les negó.",
    ),
    "others_asked_for_this_n": Said(
        en="Others asked for this company {n} times and were refused.",
        es="Otras preguntaron para esta empresa {n} veces y se les negó.",
    ),
    "what_it_asked_for": Said(en="What it asked for itself", es="Lo que pidió ella misma"),
    "what_others_asked_for": Said(en="What others asked for through it", es="Lo que otras pidieron a través de ella"),
    "what_others_passed_on": Said(en="What others passed on to it", es="Lo que otras le pasaron"),
    "sells_access_to_phone": Said(
        en="Sells access to phone locations to other companies",
        es="Vende a otras empresas el acceso a ubicaciones de teléfonos",
    ),
    "offers_a_service_that": Said(
        en="Offers a service that uses phone locations",
        es="Ofrece un servicio que usa ubicaciones de teléfonos",
    ),
    "a_customer_of_such": Said(en="A customer of such a service", es="Cliente de un servicio así"),
    "stop_a_part_or": Said(en="Stop a part, or pause", es="Detener una parte, o pausar"),
    "by": Said(en="by {name}", es="de {name}"),
    "it_finds_you_when": Said(en="It finds you when you need help.", es="Le encuentra cuando necesita ayuda."),
    "stop_only_this_use": Said(en="Stop only this use", es="Detener solo este uso"),
    "stop_this_kind_of": Said(
        en="Stop this kind of use by every company",
        es="Detener este tipo de uso de todas las empresas",
    ),
    "pause_until_2": Said(en="Pause {name} until…", es="Pausar {name} hasta…"),
    "home": Said(en="Home", es="Inicio"),
    "company": Said(en="Company", es="Empresa"),
    "does_not_tell_us": Said(
        en="{name} does not tell us who it asks for, so a stop here stops {name} too.",
        es="{name} no nos dice para quién pregunta, así que detener aquí detiene también a {name}.",
    ),
    "what_it_got": Said(en="What it got", es="Lo que recibió"),
    "through_whom": Said(en="Through whom", es="A través de quién"),
    "the_same_in_words": Said(en="The same in words", es="Lo mismo en palabras"),
    "on_what_proof": Said(en="On what proof", es="Con qué prueba"),
    "a_claim_not_checked": Said(en="A claim, not checked", es="Una afirmación sin comprobar"),
    "ended": Said(en="Ended", es="Terminado"),
    "counts_now": Said(en="Counts now", es="Vale ahora"),
    "when": Said(en="When", es="Cuándo"),
    "how": Said(en="How", es="Cómo"),
    "a_record_taken_over_from_an": Said(
        en="A record taken over from an earlier system",
        es="Un registro tomado de un sistema anterior",
    ),
    "words_shown": Said(en="Words shown", es="Texto mostrado"),
    "language": Said(en="Language", es="Idioma"),
    "taken_down_by": Said(en="Taken down by", es="Lo anotó"),
    "the_company_itself": Said(en="the company itself", es="la propia empresa"),
    "checked_by": Said(en="Checked by", es="Lo comprobó"),
    "your_carrier_2": Said(en="your carrier", es="su compañía telefónica"),
    "nobody_but_the_company": Said(en="nobody but the company", es="nadie más que la empresa"),
    "reference": Said(en="Reference", es="Referencia"),
    "ends": Said(en="Ends", es="Termina"),
    "a_company_may_get": Said(
        en="A company may get your location only if you said yes. We hold no text, form or call in which you did, "
        "and the company has shown us none.",
        es="Una empresa puede recibir su ubicación solo si usted dijo que sí. No tenemos ningún mensaje, formulario "
        "ni llamada en que lo hiciera, y la empresa no nos ha mostrado ninguno.",
    ),
    "its_history": Said(en="Its history", es="Su historial"),
    "received": Said(en="Received", es="Recibido"),
    "nobody_knows_who": Said(en="nobody knows who", es="nadie sabe quién"),
    "english": Said(en="English", es="Inglés"),
}
