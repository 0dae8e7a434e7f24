"""Home: the answer in one sentence, a card for each company, what no choice stops; and what other pages say too."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "you_stopped_all_sharing": Said(en="You stopped all sharing.", es="Usted detuvo todo el uso compartido."),
    "we_say_no_to": Said(
        en="We say no to every company, also to those that come later. It stays so until you allow one again.",
        es="Decimos que no a todas las empresas, también a las que vengan después. Así queda hasta que usted permita"
        " a una otra vez.",
    ),
    "see_how_far_each": Said(en="See how far each company is", es="Ver por dónde va cada empresa"),
    "stop_all_sharing": Said(en="Stop all sharing", es="Detener todo"),
    "pause_until": Said(en="Pause until…", es="Pausa hasta…"),
    "for_these_companies_and": Said(
        en="For these companies and any that come later.",
        es="Para estas empresas y las que vengan después.",
    ),
    "cant_find_you_until_1": Said(
        en="{names} can't find you until you allow it again. 911 still can.",
        es="{names} no puede encontrarle hasta que la permita otra vez. El 911 sí puede.",
    ),
    "cant_find_you_until_n": Said(
        en="{names} can't find you until you allow them again. 911 still can.",
        es="{names} no pueden encontrarle hasta que las permita otra vez. El 911 sí puede.",
    ),
    "if_you_stop_it": Said(
        en="If you stop it, the person who set it up may notice.",
        es="Si la detiene, la persona que la instaló puede notarlo.",
    ),
    "stay_safe": Said(en="Stay safe", es="Cuídese"),
    "they_looked_time_1": Said(en="They looked {n} time.", es="Consultaron {n} vez."),
    "they_looked_time_n": Said(en="They looked {n} times.", es="Consultaron {n} veces."),
    "for_more_only_the_1": Said(
        en="For {n} more, only the company says you agreed.",
        es="De {n} más, solo la empresa dice que usted aceptó.",
    ),
    "for_more_only_the_n": Said(
        en="For {n} more, only the companies say you agreed.",
        es="De {n} más, solo las empresas dicen que usted aceptó.",
    ),
    "it_went_through_a_1": Said(
        en="It went through {names}, a company in between.",
        es="Pasó por {names}, una empresa intermedia.",
    ),
    "it_went_through_a_n": Said(
        en="It went through {n} companies in between: {names}.",
        es="Pasó por {n} empresas intermedias: {names}.",
    ),
    "it_was_passed_on_1": Said(en="It was passed on to {names}.", es="Se pasó a {names}."),
    "it_was_passed_on_n": Said(en="It was passed on to {n} more: {names}.", es="Se pasó a {n} más: {names}."),
    "for_some_look_ups": Said(
        en="For some look-ups we do not know who received it next.",
        es="De algunas consultas no sabemos quién la recibió después.",
    ),
    "besides_it_was_given_1": Said(
        en="Besides, it was given out {n} time for a reason that never asks you.",
        es="Además, se entregó {n} vez por un motivo que nunca le pregunta.",
    ),
    "besides_it_was_given_n": Said(
        en="Besides, it was given out {n} times for reasons that never ask you.",
        es="Además, se entregó {n} veces por motivos que nunca le preguntan.",
    ),
    "see_for_what": Said(en="See for what", es="Ver para qué"),
    "we_have_no_record": Said(
        en="We have no record of any look-up for this phone.",
        es="No tenemos registro de ninguna consulta sobre este teléfono.",
    ),
    "in_that_time_no": Said(
        en="In that time no company got it in the name of an agreement with you.",
        es="En ese tiempo ninguna empresa la obtuvo en nombre de un acuerdo con usted.",
    ),
    "what_a_stop_cant": Said(en="What a stop can't stop", es="Lo que no se puede detener"),
    "below_is_what_happened": Said(
        en="Below is what happened before that, and who may still ask.",
        es="Abajo está lo que pasó antes y quién puede preguntar todavía.",
    ),
    "see_every_record_there": Said(en="See every record there is", es="Ver todos los registros que hay"),
    "before_that_it_was_1": Said(
        en="Before that it was given out {n} time for a reason that never asks you.",
        es="Antes se entregó {n} vez por un motivo que nunca le pregunta.",
    ),
    "before_that_it_was_n": Said(
        en="Before that it was given out {n} times for reasons that never ask you.",
        es="Antes se entregó {n} veces por motivos que nunca le preguntan.",
    ),
    "stop": Said(en="Stop", es="Detener"),
    "keep": Said(en="Keep", es="Mantener"),
    "why": Said(en="Why", es="Para qué"),
    "how_often": Said(en="How often", es="Cuántas veces"),
    "may_look": Said(en="It has not looked yet. It may.", es="Aún no ha consultado. Puede hacerlo."),
    "not_looked": Said(en="It has not looked.", es="No ha consultado."),
    "proof": Said(en="Proof", es="Prueba"),
    "see_the_proof": Said(en="See the proof", es="Ver la prueba"),
    "what_this_means": Said(en="What this means", es="Qué significa esto"),
    "now": Said(en="Now", es="Ahora"),
    "it_got_nothing": Said(en="It got nothing.", es="No recibió nada."),
    "it_asked_time_and_1": Said(en="It asked {n} time and was refused.", es="Preguntó {n} vez y se le negó."),
    "it_asked_time_and_n": Said(en="It asked {n} times and was refused.", es="Preguntó {n} veces y se le negó."),
    "if_you_stop_it_cant": Said(
        en="If you stop it, {name} can't find you until you allow it again. 911 still can.",
        es="Si la detiene, {name} no puede encontrarle hasta que la permita otra vez. El 911 sí puede.",
    ),
    "more_company_1": Said(en="{n} more company", es="{n} empresa más"),
    "more_company_n": Said(en="{n} more companies", es="{n} empresas más"),
    "look_up_is_said_1": Said(
        en="{n} look-up is said to be for an emergency or the network, but went to a company that sells look-ups. We"
        " are asking why.",
        es="Se dice que {n} consulta fue para una emergencia o la red, pero fue a una empresa que vende consultas. "
        "Estamos preguntando por qué.",
    ),
    "look_up_is_said_n": Said(
        en="{n} look-ups are said to be for an emergency or the network, but went to companies that sell look-ups. "
        "We are asking why.",
        es="Se dice que {n} consultas fueron para una emergencia o la red, pero fueron a empresas que venden "
        "consultas. Estamos preguntando por qué.",
    ),
    "outside_your_choices": Said(en="Outside your choices", es="Fuera de sus decisiones"),
    "calls_to_911_orders": Said(
        en="Calls to 911, orders by a court, and what the network needs to carry your calls. These never ask for "
        "consent.",
        es="Llamadas al 911, órdenes de un tribunal y lo que la red necesita para sus llamadas. Para esto nunca se "
        "pide permiso.",
    ),
    "some_court_orders_also": Said(
        en="Some court orders also keep us from telling you until later.",
        es="Algunas órdenes judiciales también nos impiden decírselo hasta más tarde.",
    ),
    "see_each_one": Said(en="See each one", es="Ver cada una"),
    "one_of_these_went_1": Said(
        en="One of these went to a company that sells look-ups. We are asking why.",
        es="Una de estas fue a una empresa que vende consultas. Estamos preguntando por qué.",
    ),
    "one_of_these_went_n": Said(
        en="{n} of these went to companies that sell look-ups. We are asking why.",
        es="{n} de estas fueron a empresas que venden consultas. Estamos preguntando por qué.",
    ),
    "ask_about_this": Said(en="Ask about this", es="Preguntar por esto"),
    "what_we_cant_see": Said(en="What we can't see", es="Lo que no podemos ver"),
    "apps_that_may_use": Said(
        en="Apps that may use your location, family finders, Google or Apple accounts, tags and car trackers, and "
        "what companies already hold.",
        es="Aplicaciones que pueden usar su ubicación, localizadores familiares, cuentas de Google o Apple, "
        "etiquetas y rastreadores de autos, y lo que las empresas ya guardan.",
    ),
    "if_someone_may_be": Said(en="If someone may be tracking you", es="Si alguien puede estar siguiéndole"),
    "we_say_yes_when": Said(en="We say yes when it asks.", es="Decimos que sí cuando pregunta."),
    "when_it_asks_for": Said(
        en="When it asks for {names}, we say no.",
        es="Cuando pregunta para {names}, decimos que no.",
    ),
    "no_and_may_hold": Said(
        en="We say no when it asks. It may still hold what it got before.",
        es="Decimos que no cuando pregunta. Puede que aún guarde lo que recibió antes.",
    ),
    "we_say_no": Said(en="We say no when it asks.", es="Decimos que no cuando pregunta."),
    "a_record_taken_over_from": Said(
        en="A record taken over from an earlier system says so. A newer record could change it; if you say stop "
        "yourself, only you can.",
        es="Así lo dice un registro tomado de un sistema anterior. Un registro más reciente podría cambiarlo; si "
        "usted mismo dice que pare, solo usted puede.",
    ),
    "we_did_that_ourselves": Said(
        en="We did that ourselves, after what our records show. Only you can change it.",
        es="Lo hicimos nosotros mismos, por lo que muestran nuestros registros. Solo usted puede cambiarlo.",
    ),
    "we_have_suspended_it": Said(
        en="We have suspended it, or a company that it goes through: until that is lifted we say no whatever was "
        "agreed.",
        es="La hemos suspendido, o a una empresa por la que pasa: hasta que eso se levante decimos que no, se haya "
        "acordado lo que se haya acordado.",
    ),
    "a_stop_does_not": Said(en="A stop does not reach these.", es="Detener no alcanza a estas."),
    "your_location_was_shared_1": Said(
        en="Your location was shared with {n} company in the last 30 days.",
        es="Su ubicación se compartió con {n} empresa en los últimos 30 días.",
    ),
    "your_location_was_shared_n": Said(
        en="Your location was shared with {n} companies in the last 30 days.",
        es="Su ubicación se compartió con {n} empresas en los últimos 30 días.",
    ),
    "has_no_record_that_1": Said(
        en="{n} has no record that you agreed.",
        es="De {n} no hay registro de que usted aceptó.",
    ),
    "has_no_record_that_n": Said(
        en="{n} have no record that you agreed.",
        es="De {n} no hay registro de que usted aceptó.",
    ),
    "your_location_was_not": Said(
        en="Your location was not shared with any company.",
        es="Su ubicación no se compartió con ninguna empresa.",
    ),
    "your_location_was_given_1": Said(
        en="Your location was given out {n} time in the last 30 days, for a reason that never asks you.",
        es="Su ubicación se entregó {n} vez en los últimos 30 días, por un motivo que nunca le pregunta.",
    ),
    "your_location_was_given_n": Said(
        en="Your location was given out {n} times in the last 30 days, for reasons that never ask you.",
        es="Su ubicación se entregó {n} veces en los últimos 30 días, por motivos que nunca le preguntan.",
    ),
    "your_location_was_not_shared": Said(
        en="Your location was not shared with any company in the last 30 days.",
        es="Su ubicación no se compartió con ninguna empresa en los últimos 30 días.",
    ),
    "after_you_said_stop": Said(en="After you said stop", es="Después de que usted dijo que no"),
    "no_record_that_you": Said(en="No record that you agreed", es="Sin registro de que usted aceptó"),
    "you_stopped_it": Said(en="You stopped it", es="Usted la detuvo"),
    "paused": Said(en="Paused", es="En pausa"),
    "stopped_by_an_earlier": Said(en="Stopped, by an earlier record", es="Detenido, según un registro anterior"),
    "we_are_asking_why": Said(en="We are asking why", es="Estamos preguntando por qué"),
    "refused": Said(en="Refused", es="Rechazado"),
    "only_the_company_says": Said(en="Only the company says so", es="Solo lo dice la empresa"),
    "you_agreed": Said(en="You agreed", es="Usted aceptó"),
    "your_agreement_has_ended": Said(en="Your agreement has ended", es="Su permiso ha terminado"),
    "we_suspended_this_partner": Said(en="We suspended this partner", es="Suspendimos a este socio"),
    "nothing_yet": Said(en="Nothing yet", es="Nada todavía"),
    "no_company_has_asked": Said(
        en="No company has asked us for this phone's location, and no record says that you agreed to any. New "
        "companies start at no.",
        es="Ninguna empresa nos ha pedido la ubicación de este teléfono y ningún registro dice que usted aceptó a "
        "alguna. Las empresas nuevas empiezan en no.",
    ),
    "no_company_has_asked_us": Said(
        en="No company has asked us for this phone's location, and no record says that you agreed to any. New "
        "companies start at no. You can still stop all sharing, for any that come later.",
        es="Ninguna empresa nos ha pedido la ubicación de este teléfono y ningún registro dice que usted aceptó a "
        "alguna. Las empresas nuevas empiezan en no. Aun así puede detener todo, para las que vengan después.",
    ),
    "who_had_it_in": Said(en="Who had it in the last 30 days", es="Quién la tuvo en los últimos 30 días"),
    "before_that_or_allowed": Said(en="Before that, or allowed to", es="Antes, o con permiso"),
    "earlier_or_allowed_to": Said(en="Earlier, or allowed to", es="Antes, o con permiso"),
    "look_ups_each_week": Said(en="Look-ups each week", es="Consultas por semana"),
    "all_sharing_is_paused": Said(en="All sharing is paused", es="Todo está en pausa"),
    "all_sharing_is_off": Said(en="All sharing is off", es="No se comparte nada"),
    "sharing_is_partly_off": Said(en="Sharing is partly off", es="Se comparte solo en parte"),
    "sharing_is_on": Said(en="Sharing is on", es="Se puede compartir"),
    "has_not_yet_confirmed": Said(
        en="{party} has not yet confirmed our message. We keep trying.",
        es="{party} aún no ha confirmado nuestro mensaje. Seguimos intentando.",
    ),
    "the_message_to_is": Said(en="The message to {party} is on its way.", es="El mensaje a {party} está en camino."),
    "was_told_and_has": Said(
        en="{party} was told and has not answered yet.",
        es="{party} fue avisada y aún no ha respondido.",
    ),
    "has_our_message_it": Said(
        en="{party} has our message. It has not signed yet that it deleted your data.",
        es="{party} tiene nuestro mensaje. Aún no ha firmado que borró sus datos.",
    ),
    "signed_that_it_deleted_your": Said(
        en="{party} signed that it deleted your data.",
        es="{party} firmó que borró sus datos.",
    ),
    "signed_for_a_part": Said(
        en="{party} signed for a part.",
        es="{party} firmó una parte.",
    ),
    "the_message_to_is_held": Said(
        en="The message to {party} is held back. We are looking into it.",
        es="El mensaje a {party} está retenido. Lo estamos mirando.",
    ),
    "refused_our_message_we": Said(
        en="{party} refused our message. We are looking into it.",
        es="{party} rechazó nuestro mensaje. Lo estamos mirando.",
    ),
    "no_record_that_you_agreed": Said(en="No record that you agreed.", es="Sin registro de que usted aceptó."),
    "only_the_company_says_you": Said(
        en="Only the company says you agreed",
        es="Solo la empresa dice que usted aceptó",
    ),
    "that_has_ended": Said(en="That has ended.", es="Eso ha terminado."),
    "others": Said(en="Others", es="Otras"),
    "week": Said(en="Week", es="Semana"),
    "all": Said(en="All", es="Todas"),
    "your_carrier": Said(en="Your carrier", es="Su compañía telefónica"),
    "we_do_not_know": Said(en="we do not know who received it next", es="no sabemos quién la recibió después"),
    "a_company_we_cant": Said(en="a company we can't name", es="una empresa que no podemos nombrar"),
    "knows_where_the_phone": Said(en="knows where the phone is", es="sabe dónde está el teléfono"),
    "sells_access_to_others": Said(en="sells access to others", es="vende el acceso a otros"),
    "the_record_does_not": Said(en="the record does not say", es="el registro no lo dice"),
    "asked_for_it": Said(en="asked for it", es="la pidió"),
    "received_it_next": Said(en="received it next", es="la recibió después"),
    "that_date_has_passed": Said(
        en="That date has passed. Our privacy office has taken it up.",
        es="Esa fecha ya pasó. Nuestra oficina de privacidad se ocupa de ello.",
    ),
    "what_does_not_look": Said(en="What does not look right", es="Lo que no parece correcto"),
    "looked_up_time_with_1": Said(
        en="Looked up {n} time with no record that you agreed.",
        es="Consultó {n} vez sin ningún registro de que usted aceptara.",
    ),
    "looked_up_time_with_n": Said(
        en="Looked up {n} times with no record that you agreed.",
        es="Consultó {n} veces sin ningún registro de que usted aceptara.",
    ),
    "we_have_suspended_this": Said(
        en="We have suspended this company for your line.",
        es="Hemos suspendido a esta empresa para su línea.",
    ),
    "see_these_look_ups": Said(en="See these look-ups", es="Ver estas consultas"),
    "i_never_agreed_to": Said(en="I never agreed to this", es="Nunca acepté esto"),
    "i_never_agreed": Said(en="I never agreed", es="Nunca acepté"),
    "you": Said(en="you", es="usted"),
    "child": Said(en="child", es="menor"),
    "all_lines": Said(en="All lines", es="Todas las líneas"),
    "you_look_after_this": Said(
        en="You look after this line for its user. You may see who gets its location, and change nothing.",
        es="Usted cuida de esta línea por quien la usa. Puede ver quién recibe su ubicación, y no cambiar nada.",
    ),
    "you_look_after_this_line": Said(
        en="You look after this line for its user. You may stop or pause sharing, and see nothing.",
        es="Usted cuida de esta línea por quien la usa. Puede detener o poner en pausa el uso compartido, y no ver "
        "nada.",
    ),
    "you_look_after_this_line_for": Said(
        en="You look after this line for its user. You may see who gets its location, and stop or pause it.",
        es="Usted cuida de esta línea por quien la usa. Puede ver quién recibe su ubicación, y detenerlo o ponerlo "
        "en pausa.",
    ),
    "how_long": Said(en="How long?", es="¿Cuánto tiempo?"),
    "pause_all_sharing": Said(en="Pause all sharing", es="Poner todo en pausa"),
    "to_check_who_you": Said(en="To check who you are", es="Para comprobar quién es usted"),
    "to_follow_a_law": Said(en="To follow a law", es="Para cumplir una ley"),
    "to_advertise": Said(en="To advertise", es="Para hacer publicidad"),
    "to_give_you_a": Said(en="To give you a service you asked for", es="Para darle un servicio que pidió"),
    "to_run_a_service": Said(en="To run a service", es="Para prestar un servicio"),
    "to_show_you_ads_by": Said(en="To show you ads by where you go", es="Para mostrarle anuncios según por dónde va"),
    "agreed_by_text": Said(en="You agreed by text on {day}.", es="Usted aceptó por mensaje el {day}."),
    "agreed_on_paper": Said(en="You agreed on paper on {day}.", es="Usted aceptó en papel el {day}."),
    "claimed_on_web": Said(
        en="Only the company says you agreed, on a web page on {day}. You have not told us so. That counts for "
        "nothing.",
        es="Solo la empresa dice que usted aceptó, en una página web el {day}. Usted no nos lo ha dicho. Eso no vale.",
    ),
    "file_says_allowed": Said(
        en="A record taken over says that you allowed it on {day}.",
        es="Un registro anterior dice que usted lo permitió el {day}.",
    ),
    "you_allowed_it_here": Said(en="You allowed it here on {day}.", es="Usted lo permitió aquí el {day}."),
    "holder_allowed_it_here": Said(
        en="The account holder allowed it here on {day}.",
        es="El titular de la cuenta lo permitió aquí el {day}.",
    ),
    "it_ends_on": Said(en="It ends on {day}.", es="Termina el {day}."),
    "kept_your_stop": Said(
        en="A record says you agreed by phone on {day}. We kept your stop.",
        es="Un registro dice que usted aceptó por teléfono el {day}. Mantuvimos su no.",
    ),
    "often_1": Said(
        en="{n} time in 30 days, last on {moment}, {precision}",
        es="{n} vez en 30 días, la última, el {moment}, {precision}",
    ),
    "often_n": Said(
        en="{n} times in 30 days, last on {moment}, {precision}",
        es="{n} veces en 30 días, la última, el {moment}, {precision}",
    ),
    "often_before_1": Said(
        en="{n} time, none in the last 30 days, last on {moment}, {precision}",
        es="{n} vez, ninguna en los últimos 30 días, la última, el {moment}, {precision}",
    ),
    "often_before_n": Said(
        en="{n} times, none in the last 30 days, last on {moment}, {precision}",
        es="{n} veces, ninguna en los últimos 30 días, la última, el {moment}, {precision}",
    ),
    "said_no_since": Said(en="We have said no since {moment}.", es="Decimos que no desde el {moment}."),
    "say_no_until": Said(en="We say no until {moment}.", es="Decimos que no hasta el {moment}."),
    "metres": Said(en="within about {n} m", es="a unos {n} m"),
    "kilometres": Said(en="within about {n} km", es="a unos {n} km"),
    "not_allowed_1": Said(
        en="Not allowed by you, in all: {n} time ({words}).",
        es="No permitido por usted, en total: {n} vez ({words}).",
    ),
    "not_allowed_n": Said(
        en="Not allowed by you, in all: {n} times ({words}).",
        es="No permitido por usted, en total: {n} veces ({words}).",
    ),
    "instead_of_nobody": Said(
        en="You can't stop a company that nobody can name. You can stop the one before it: {name}.",
        es="No puede detener a una empresa que nadie puede nombrar. Sí puede detener a la que está antes: {name}.",
    ),
    "outside_recent": Said(
        en="Outside your choices, in the last 30 days: {tally}.",
        es="Fuera de sus decisiones, en los últimos 30 días: {tally}.",
    ),
    "outside_earlier": Said(
        en="Outside your choices, before the last 30 days: {tally}.",
        es="Fuera de sus decisiones, antes de los últimos 30 días: {tally}.",
    ),
    "last_was_on": Said(en="Last on {moment}.", es="La última, el {moment}."),
    "in_30_days": Said(en="In the last 30 days: {tally}.", es="En los últimos 30 días: {tally}."),
    "earlier": Said(en="Before that: {tally}.", es="Antes de eso: {tally}."),
    "allow_again_button": Said(en="Allow again…", es="Permitir otra vez…"),
    "for_one_day": Said(en="For one day", es="Por un día"),
    "for_one_week": Said(en="For one week", es="Por una semana"),
    "for_30_days": Said(en="For 30 days", es="Por 30 días"),
    "until_a_day": Said(en="Until the end of a day I choose", es="Hasta el final de un día que elijo"),
    "that_day": Said(en="That day", es="Ese día"),
    "before_a_stop": Said(
        en="Stopping is in force at once and stays until you yourself allow again. It changes nothing about your "
        "phone service. 911 can still find you.",
        es="La detención vale de inmediato y dura hasta que usted mismo vuelva a permitir. No cambia nada de su "
        "servicio. El 911 aún puede encontrarle.",
    ),
    "zone": Said(
        en="Times are {zone}, the zone of the state this line is registered in.",
        es="Las horas son de la zona del estado de esta línea: {zone}.",
    ),
    "all_paused_until": Said(en="All sharing is paused until {moment}.", es="Todo está en pausa hasta el {moment}."),
    "may_ask_after_1": Said(
        en="After that {n} company may ask again.",
        es="Después, {n} empresa podrá volver a preguntar.",
    ),
    "paused_but_for": Said(
        en="Sharing is paused until {moment}, but for what was allowed after that.",
        es="El uso de su ubicación está en pausa hasta el {moment}, salvo lo que se permitió después.",
    ),
    "a_file_stopped_all": Said(
        en="A record taken over from an earlier system says that all sharing is stopped. We have said no to every "
        "company since {moment}. A newer record could change that. If you say stop yourself, only you can.",
        es="Un registro tomado de un sistema anterior dice que todo está detenido, así que decimos que no a todas "
        "las empresas desde el {moment}. Un registro más reciente podría cambiarlo. Si usted mismo dice que pare,"
        " solo usted puede.",
    ),
    "suspend_on": Said(
        en="If nothing comes that explains it, we suspend this company for your line on {day}.",
        es="Si no llega nada que lo explique, suspendemos a esta empresa para su línea el {day}.",
    ),
    "we_ended_with": Said(
        en="We ended our agreement with {name} on {ended}.",
        es="Terminamos nuestro acuerdo con {name} el {ended}.",
    ),
    "must_delete_by": Said(
        en="{name} must delete your data by {delete_by}.",
        es="{name} debe borrar sus datos a más tardar el {delete_by}.",
    ),
    "signed_for_some": Said(
        en="{name} signed that it deleted data, but not everybody who must has signed for all of it, {signed}.",
        es="{name} firmó que borró datos, pero todavía no han firmado por todo todas las que deben hacerlo, {signed}.",
    ),
    "signed_that_deleted": Said(
        en="{name} signed that it deleted your data, {signed_again}.",
        es="{name} firmó que borró sus datos, {signed_again}.",
    ),
}
