"""The case that "I never agreed" opens, what a browser's signal did, and the two forms before a choice."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "case_crumb": Said(en="Choices / {moment} / Your case", es="Decisiones / {moment} / Su caso"),
    "case_lead": Said(
        en="We have said no since then, whatever comes of this. Here is what was asked, and what was answered.",
        es="Decimos que no desde entonces, salga lo que salga. Esto se preguntó, y esto se respondió.",
    ),
    "case_asked": Said(
        en="{exact}: We asked it for its proof that you agreed.",
        es="{exact}: Le pedimos su prueba de que usted aceptó.",
    ),
    "case_due": Said(en="{moment}: Its answer is due.", es="{moment}: Vence el plazo de su respuesta."),
    "case_no_proof": Said(en="{exact}: It says that it has no proof.", es="{exact}: Dice que no tiene prueba."),
    "case_proof": Said(en="{exact}: It says that it has proof.", es="{exact}: Dice que tiene prueba."),
    "case_was_late": Said(en="That was late.", es="Fue tarde."),
    "case_silent": Said(
        en="It did not answer by its date. Our privacy office has taken it up.",
        es="No respondió a tiempo. Nuestra oficina de privacidad se ocupa.",
    ),
    "case_waits": Said(en="It has not answered yet.", es="Aún no ha respondido."),
    "case_agreed_on": Said(en="You agreed on, it says", es="Según ella, usted aceptó el"),
    "case_how": Said(en="How", es="Cómo"),
    "case_by_paper": Said(en="on paper", es="en papel"),
    "case_words": Said(en="Words shown", es="Texto mostrado"),
    "case_reference": Said(en="Reference", es="Referencia"),
    "case_its_word": Said(
        en="This is the company's own word. It changes nothing: your stop stays.",
        es="Es la palabra de la empresa. No cambia nada: su no sigue en pie.",
    ),
    "case_nobody": Said(
        en="There was no company to ask: none in between has dealt with this phone.",
        es="No había empresa a la que preguntar: ninguna intermediaria ha tratado con este teléfono.",
    ),
    "case_write": Said(en="Write to us about this", es="Escríbanos sobre esto"),
    "signal_crumb": Said(en="Home / Privacy signal", es="Inicio / Señal de privacidad"),
    "signal_title": Said(en="Privacy signal of your browser", es="Señal de privacidad de su navegador"),
    "signal_lead": Said(
        en="Some browsers send a signal named Global Privacy Control. For your phone line we take it as a no to "
        "everything that you have not allowed yourself on these pages.",
        es="Algunos navegadores envían una señal llamada Global Privacy Control. Para su línea la tomamos como un no a "
        "todo lo que no ha permitido usted en estas páginas.",
    ),
    "signal_first": Said(en="It first came", es="Llegó por primera vez"),
    "signal_last": Said(en="It last came", es="Llegó por última vez"),
    "signal_you_said": Said(en="You said", es="Usted dijo"),
    "signal_keep": Said(en="Keep what I allowed", es="Mantener lo que permití"),
    "signal_stop": Said(en="Stop this too", es="Detener esto también"),
    "signal_stopped": Said(en="What it stopped", es="Qué detuvo"),
    "signal_all": Said(en="{moment}: All sharing", es="{moment}: Todo"),
    "signal_one": Said(en="{moment}: {name}: {why}", es="{moment}: {name}: {why}"),
    "signal_none": Said(
        en="It has not come for this phone line yet. When it does, you see here what it did.",
        es="Aún no ha llegado para esta línea. Cuando llegue, verá aquí qué hizo.",
    ),
    "signal_nothing": Said(
        en="Nothing: all was stopped already, or allowed by you.",
        es="Nada: todo estaba ya detenido, o permitido por usted.",
    ),
    "signal_question": Said(
        en="Your browser says no, you said yes. Which counts?",
        es="Su navegador dice que no, usted dijo que sí. ¿Qué vale?",
    ),
    "signal_asks": Said(
        en="Your browser sent the Global Privacy Control signal. It is a no for your phone line, and we follow it for "
        "everything but this: what you allowed yourself, what finds you when you need help, and what somebody near "
        "you may see end:",
        es="Su navegador envió la señal Global Privacy Control. Es un no para su línea, y la seguimos en todo menos en "
        "esto: lo que usted permitió, lo que le encuentra cuando necesita ayuda y lo que alguien cercano puede ver "
        "que termina:",
    ),
    "signal_use": Said(en="{name}: {why}", es="{name}: {why}"),
    "signal_once": Said(
        en="We ask once, and not again for 12 months. You can change each of them at any time.",
        es="Preguntamos una vez, y no otra vez en 12 meses. Puede cambiar cada uno cuando quiera.",
    ),
}
