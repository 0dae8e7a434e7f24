"""The history, and what the ledger says of each release."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "looked_once_1": Said(en="{name} looked once", es="{name} consultó una vez"),
    "looked_once_n": Said(en="{name} looked {n} times", es="{name} consultó {n} veces"),
    "asked_once_and_was_1": Said(en="{name} asked once and was refused", es="{name} preguntó una vez y se le negó"),
    "asked_once_and_was_n": Said(
        en="{name} asked {n} times and was refused",
        es="{name} preguntó {n} veces y se le negó",
    ),
    "we_could_not_tell": Said(
        en="We could not tell you before: an order kept us from it.",
        es="No pudimos decírselo antes: una orden lo impedía.",
    ),
    "it_is_said_to": Said(
        en="It is said to be for an emergency or the network, but went to a company that sells look-ups. We are "
        "asking why.",
        es="Se dice que era por una emergencia o por la red, pero fue a una empresa que vende consultas. Estamos "
        "preguntando por qué.",
    ),
    "the_way_it_went": Said(en="The way it went", es="El camino que hizo"),
    "how_exact": Said(en="How exact", es="Exactitud"),
    "it_rested_on": Said(en="It rested on", es="Se basó en"),
    "a_claim_that_you": Said(en="a claim that you agreed", es="la afirmación de que usted aceptó"),
    "was_it_allowed": Said(en="Was it allowed", es="¿Estaba permitido?"),
    "history": Said(en="History", es="Historial"),
    "you_allowed_it": Said(en="You allowed it", es="Usted lo permitió"),
    "your_agreement_had_ended": Said(en="Your agreement had ended", es="Su permiso había terminado"),
    "the_companys_contract_was": Said(
        en="The company's contract was not in force",
        es="El contrato de la empresa no estaba vigente",
    ),
    "this_use_was_not": Said(
        en="This use was not approved at the time",
        es="Este uso no estaba aprobado en ese momento",
    ),
    "not_allowed_in_your": Said(en="Not allowed in your state", es="No permitido en su estado"),
    "more_exact_than_you": Said(en="More exact than you agreed to", es="Más exacto de lo que usted aceptó"),
    "the_company_was_suspended": Said(en="The company was suspended", es="La empresa estaba suspendida"),
    "refused_nothing_was_given": Said(en="Refused: nothing was given out", es="Rechazado: no se entregó nada"),
    "emergency_call": Said(en="Emergency call", es="Llamada de emergencia"),
    "lawful_order": Said(en="Lawful order", es="Orden legal"),
    "running_the_network": Said(en="Running the network", es="Funcionamiento de la red"),
    "your_agreement": Said(en="your agreement", es="su permiso"),
    "an_emergency_call": Said(en="an emergency call", es="una llamada de emergencia"),
    "a_lawful_order": Said(en="a lawful order", es="una orden legal"),
    "the_network_itself": Said(en="running the network", es="el funcionamiento de la red"),
    "to": Said(en="To", es="Hasta"),
}
