"""Who looked and what they did; who asked; the lines of a person."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "your_lines": Said(en="Your lines", es="Sus líneas"),
    "you_are_asked": Said(en="You are asked", es="Le piden ayuda"),
    "the_person_who_uses_this": Said(
        en="The person who uses this line asks you to look after its location for them.",
        es="La persona que usa esta línea le pide que cuide de su ubicación por ella.",
    ),
    "read_it_and_say": Said(en="Read it, and say yes or no", es="Leerlo y decir sí o no"),
    "nothing_is_stopped": Said(en="Nothing is stopped", es="No hay nada detenido"),
    "partly_stopped": Said(en="Partly stopped", es="Detenido en parte"),
    "this_line_belongs_to": Said(
        en="This line belongs to the person who uses it. They decide about its location, and only they can see it.",
        es="Esta línea es de la persona que la usa. Ella decide sobre su ubicación y solo ella puede verla.",
    ),
    "invite_them_to_sign": Said(en="Invite them to sign in", es="Invitarle a entrar"),
    "a_childs_line_on": Said(
        en="A child's line on your account. You and the child both see it and can both stop. You allow, and the "
        "child is told.",
        es="Una línea de un menor en su cuenta. Usted y el menor la ven y ambos pueden detener. Usted permite y se "
        "avisa al menor.",
    ),
    "your_line_you_and": Said(
        en="Your line. You and the account holder both see it and can both stop.",
        es="Su línea. Usted y el titular de la cuenta la ven y ambos pueden detener.",
    ),
    "the_line_you_signed": Said(
        en="The line you signed in with. Only you see it, whoever pays the bill.",
        es="La línea con la que entró. Solo usted la ve, pague quien pague.",
    ),
    "pause": Said(en="Pause", es="Pausa"),
    "who_has_its_location": Said(en="Who has its location", es="Quién tiene su ubicación"),
    "what_you_may_do": Said(en="What you may do, and how to give it back", es="Qué puede hacer y cómo devolverlo"),
    "who_looked_at_this": Said(en="Who looked at this line, and what they did", es="Quién miró esta línea y qué hizo"),
    "staff": Said(en="Staff", es="Personal"),
    "people_and_programs_here": Said(en="People and programs here", es="Personas y programas de aquí"),
    "companies_that_asked": Said(en="Companies that asked", es="Empresas que preguntaron"),
    "companies_that_asked_where": Said(
        en="Companies that asked where this phone is",
        es="Empresas que preguntaron dónde está este teléfono",
    ),
    "day_by_day_how": Said(
        en="Day by day: how often each one was told, and how often we refused. The history has every single time.",
        es="Día por día: cuántas veces se le dijo a cada una y cuántas veces nos negamos. El historial tiene cada "
        "una de las veces.",
    ),
    "told_once_1": Said(en="told once", es="se le dijo una vez"),
    "told_once_n": Said(en="told {n} times", es="se le dijo {n} veces"),
    "refused_once_1": Said(en="refused once", es="nos negamos una vez"),
    "refused_once_n": Said(en="refused {n} times", es="nos negamos {n} veces"),
    "some_of_it_never": Said(
        en="Some of it never asks for your agreement: an emergency, a lawful order or running the network.",
        es="Parte de ello nunca pide su acuerdo: una emergencia, una orden legal o el funcionamiento de la red.",
    ),
    "signed_in_with_a": Said(en="Signed in with a texted code", es="Entró con un código por mensaje"),
    "chose_a_password": Said(en="Chose a password", es="Eligió una contraseña"),
    "took_a_copy_of": Said(
        en="Took a copy of everything about this line",
        es="Tomó una copia de todo sobre esta línea",
    ),
    "stopped_sharing": Said(en="Stopped sharing", es="Detuvo el uso compartido"),
    "brought_in_records_of": Said(en="Brought in records of what was agreed", es="Trajo registros de lo acordado"),
    "looked_at_what_a": Said(
        en="Looked at what a company was told about this line",
        es="Miró lo que se le dijo a una empresa sobre esta línea",
    ),
    "signed_what_it_did": Said(en="Signed what it did about a stop", es="Firmó lo que hizo con una detención"),
    "our_support": Said(en="Our support", es="Nuestro servicio de ayuda"),
    "our_privacy_office": Said(en="Our privacy office", es="Nuestra oficina de privacidad"),
    "an_auditor_of_our": Said(en="An auditor of our privacy office", es="Un auditor de nuestra oficina de privacidad"),
    "a_company_we_share": Said(en="A company we share with", es="Una empresa con la que compartimos"),
    "a_file_from_the": Said(en="A file from the carrier", es="Un archivo de la compañía telefónica"),
    "an_operator_of_this": Said(en="An operator of this portal", es="Un operador de este portal"),
    "you_did": Said(en="You", es="Usted"),
    "lookers_of": Said(
        en="Everything that people and programs here read or did about {number}, our own staff included. Nothing in "
        "this list can be changed or removed. When the person who uses this phone only looks at it, that is "
        "not listed.",
        es="Todo lo que personas y programas de aquí leyeron o hicieron sobre {number}, también nuestro personal. "
        "Nada de esta lista se puede cambiar ni quitar. Cuando la persona que usa este teléfono solo mira, no figura "
        "aquí.",
    ),
    "the_account_holder_did": Said(en="The account holder", es="El titular de la cuenta"),
    "looked_at_the_pages": Said(en="Looked at this line's pages", es="Miró las páginas de esta línea"),
    "three_buttons": Said(
        en="Who has its location Who looked Who looks after it for youWhere its news goes",
        es="Quién tiene su ubicación Quién miró Quién cuida de ella por ustedAdónde van sus avisos",
    ),
    "two_buttons": Said(en="Who has its location Who looked", es="Quién tiene su ubicación Quién miró"),
    "it_ends_day": Said(en="It ends on: {moment}.", es="Termina el: {moment}."),
    "reason_given_is": Said(en="Reason given: {reason}", es="Motivo dado: {reason}"),
    "took_a_copy_csv": Said(
        en="Took a copy: the history, as a table (CSV)",
        es="Se llevó una copia: el historial, como tabla (CSV)",
    ),
}
