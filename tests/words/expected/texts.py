"""Texts to phones about choices: each says what happened and where to read it, and names no company."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "text_by_staff": Said(
        en="Whereabouts: our staff changed who may get this phone's location, on the word of somebody who proved "
        "this phone. To see it, or to undo it, sign in: http://localhost:8000/home/",
        es="Whereabouts: nuestro personal cambió quién puede recibir la ubicación de este teléfono, a petición de "
        "alguien que demostró tenerlo. Para verlo o deshacerlo, entre: http://localhost:8000/home/",
    ),
    "text_by_delegate": Said(
        en="Whereabouts: somebody whom you asked to look after this phone's location has changed something. To see "
        "it, or to end what they may do, sign in: http://localhost:8000/home/",
        es="Whereabouts: alguien a quien usted pidió cuidar de la ubicación de este teléfono cambió algo. Para "
        "verlo, o poner fin a lo que puede hacer, entre: http://localhost:8000/home/",
    ),
    "text_delegate_asked": Said(
        en="Whereabouts: from the pages of this phone's location, somebody was asked to look after it. Was it not you? "
        "End it there: http://localhost:8000/lines/delegates/",
        es="Whereabouts: desde las páginas de la ubicación de este teléfono se pidió a alguien que cuide de ella. ¿No "
        "fue usted? Póngale fin allí: http://localhost:8000/lines/delegates/",
    ),
    "text_asked_to_look_after": Said(
        en="Whereabouts: somebody asks you to look after their phone's location for them. To read what that means, and "
        "to say yes or no within 7 days, sign in with your own line: http://localhost:8000/lines/",
        es="Whereabouts: alguien le pide que cuide de la ubicación de su teléfono. Para leer qué significa, y decir sí "
        "o no en 7 días, entre con su propia línea: http://localhost:8000/lines/",
    ),
    "text_delegate_began": Said(
        en="Whereabouts: somebody you asked now looks after this phone's location. You can end it at any time: "
        "http://localhost:8000/lines/delegates/",
        es="Whereabouts: alguien a quien usted se lo pidió cuida ahora de la ubicación de este teléfono. Puede ponerle "
        "fin en cualquier momento: http://localhost:8000/lines/delegates/",
    ),
    "text_delegate_ended": Said(
        en="Whereabouts: somebody no longer looks after this phone's location. Who still does: "
        "http://localhost:8000/lines/delegates/",
        es="Whereabouts: alguien ya no cuida de la ubicación de este teléfono. Quién lo hace aún: "
        "http://localhost:8000/lines/delegates/",
    ),
    "text_pause_over": Said(
        en="Whereabouts: a time that was set for this phone's location is over. To see what counts now, or to stop "
        "it, sign in: http://localhost:8000/home/",
        es="Whereabouts: terminó un plazo fijado para la ubicación de este teléfono. Para ver qué vale ahora o "
        "detenerlo, inicie sesión: http://localhost:8000/home/",
    ),
    "text_records": Said(
        en="Whereabouts: our records of who may get this phone's location have changed. To see it, or to stop it, "
        "sign in: http://localhost:8000/home/",
        es="Whereabouts: cambiaron nuestros registros de quién puede obtener la ubicación de este teléfono. Para "
        "verlo o detenerlo, inicie sesión: http://localhost:8000/home/",
    ),
    "text_signal": Said(
        en="Whereabouts: your browser's signal (Global Privacy Control) stopped sharing of this phone's location that "
        "you had not allowed yourself. To see it, or to undo it, sign in: http://localhost:8000/home/",
        es="Whereabouts: la señal de su navegador (Global Privacy Control) detuvo el uso compartido de la ubicación de "
        "este teléfono que usted no había permitido. Para verlo o deshacerlo, inicie sesión: http://localhost:8000/home/",
    ),
    "text_new_number": Said(
        en="Whereabouts: this phone has a new number. What was agreed for the old one no longer counts. To see it, "
        "sign in: http://localhost:8000/home/",
        es="Whereabouts: este teléfono tiene un número nuevo. Lo acordado para el anterior ya no vale. Para verlo, "
        "inicie sesión: http://localhost:8000/home/",
    ),
    "text_news_off": Said(
        en="Whereabouts: you get no news by text now. Sharing of this phone's location is NOT stopped by that. To "
        "stop sharing, reply STOP LOCATION. To get news again, reply START.",
        es="Whereabouts: ya no recibe avisos por mensaje. Eso NO detiene la entrega de la ubicación de este "
        "teléfono. Para detenerla, responda ALTO UBICACION. Para recibir avisos otra vez, responda ALTA.",
    ),
    "text_news_on": Said(
        en="Whereabouts: you get news by text again. This changed nothing about your location. To stop sharing it, "
        "reply STOP LOCATION. For no news, reply STOP.",
        es="Whereabouts: vuelve a recibir avisos por mensaje. Esto no cambió nada de su ubicación. Para detener su "
        "entrega, responda ALTO UBICACION. Para no recibir avisos, responda BAJA.",
    ),
    "text_help": Said(
        en="Whereabouts: to stop the sharing of this phone's location, reply STOP LOCATION or go to "
        "http://localhost:8000/stop/ For no news by text, reply STOP. That does not stop sharing.",
        es="Whereabouts: para detener la entrega de la ubicación de este teléfono, responda ALTO UBICACION o vaya a "
        "http://localhost:8000/stop/ Para no recibir avisos, responda BAJA. Eso no detiene la entrega.",
    ),
    "text_all_off": Said(
        en="Whereabouts: all sharing of this phone's location is now off. Services you agreed to that find you, like"
        " roadside help, can't until you allow them again. 911 still can. To see or undo it, sign in: "
        "http://localhost:8000/choices/",
        es="Whereabouts: ya no se comparte la ubicación de este teléfono. Los servicios que usted aceptó para "
        "encontrarle, como la ayuda en carretera, no pueden hasta que los permita otra vez. El 911 sí puede. Para"
        " verlo o cambiarlo, entre: http://localhost:8000/choices/",
    ),
    "text_said_no": Said(
        en="Whereabouts: you said no to a company that asked to find a phone. It can't, and no company may ask again"
        " for 12 months. What you allowed before stays as it was. To see or undo it, sign in: "
        "http://localhost:8000/choices/",
        es="Whereabouts: usted dijo que no a una empresa que pidió encontrar un teléfono. No puede, y ninguna "
        "empresa puede volver a preguntar durante 12 meses. Lo que permitió antes queda como estaba. Para verlo o"
        " deshacerlo, inicie sesión: http://localhost:8000/choices/",
    ),
    "text_said_yes": Said(
        en="Whereabouts: you said yes to a company that asked to find a phone. Nothing else changed. To see or stop "
        "it, sign in: http://localhost:8000/choices/ Or stop all sharing: http://localhost:8000/stop/",
        es="Whereabouts: usted dijo que sí a una empresa que pidió encontrar un teléfono. Nada más cambió. Para "
        "verlo o detenerlo, inicie sesión: http://localhost:8000/choices/ O detenga todo: "
        "http://localhost:8000/stop/",
    ),
    "text_by_holder": Said(
        en="Whereabouts: the account holder changed who may get this phone's location. To see it, or to stop it, "
        "sign in: http://localhost:8000/home/",
        es="Whereabouts: el titular de la cuenta cambió quién puede recibir la ubicación de este teléfono. Para "
        "verlo o detenerlo, entre: http://localhost:8000/home/",
    ),
    "text_grown_up": Said(
        en="Whereabouts: this phone's location is now yours alone to decide. The account holder no longer sees it, "
        "and what they allowed for you has ended. To see it, or to allow it yourself, sign in: "
        "http://localhost:8000/home/",
        es="Whereabouts: desde ahora solo usted decide sobre la ubicación de este teléfono. El titular de la cuenta "
        "ya no la ve, y lo que permitió por usted ha terminado. Para verlo, o para permitirlo usted, entre: "
        "http://localhost:8000/home/",
    ),
    "text_suspended": Said(
        en="Whereabouts: our records show that a company looked up this phone's location when it should not have. It"
        " gets nothing more until you allow it. To see what happened, sign in: http://localhost:8000/home/",
        es="Whereabouts: nuestros registros muestran que una empresa consultó la ubicación de este teléfono cuando "
        "no debía. No recibe nada más hasta que usted lo permita. Para ver qué pasó, entre aquí: "
        "http://localhost:8000/home/",
    ),
    "text_still_on": Said(
        en="Whereabouts: sharing of this phone's location is still on for at least one use. To see it, or to stop "
        "it, sign in: http://localhost:8000/home/ To get no more of these: http://localhost:8000/settings/",
        es="Whereabouts: la ubicación de este teléfono aún se comparte para al menos un uso. Para verlo, o "
        "detenerlo, inicie sesión: http://localhost:8000/home/ Para no recibir más de estos: "
        "http://localhost:8000/settings/",
    ),
    "text_asked_for_child": Said(
        en="Whereabouts: a company says it may find a child's phone on your account. We don't let it unless you say "
        "yes. See who asks and answer: http://localhost:8000{path} Your phone service stays the same either way.",
        es="Whereabouts: una empresa dice que puede localizar el teléfono de un menor en su cuenta. No la dejamos si"
        " usted no dice que sí. Vea quién pregunta y responda: http://localhost:8000{path} Su servicio telefónico"
        " sigue igual en ambos casos.",
    ),
    "text_asked": Said(
        en="Whereabouts: a company says you agreed that it may find this phone. We don't let it unless you say yes. "
        "See who asks and answer: http://localhost:8000{path} Your phone service stays the same either way.",
        es="Whereabouts: una empresa dice que usted aceptó que localice este teléfono. No la dejamos si usted no "
        "dice que sí. Vea quién pregunta y responda: http://localhost:8000{path} Su servicio telefónico sigue "
        "igual en ambos casos.",
    ),
    "text_lifeline_lost": Said(
        en="Whereabouts: a service that could find this phone in an emergency can no longer do so. 911 still can. "
        "See what changed: http://localhost:8000/home/",
        es="Whereabouts: un servicio que podía localizar este teléfono en una emergencia ya no puede. El 911 sí "
        "puede. Vea qué cambió: http://localhost:8000/home/",
    ),
    "text_agent_asks": Said(
        en="Whereabouts: somebody asks in your name to STOP sharing this phone's location. If that is right, say so "
        "here: http://localhost:8000{path} If not, you need not do anything.",
        es="Whereabouts: alguien pide en su nombre DEJAR de compartir la ubicación de este teléfono. Si es así, "
        "dígalo aquí: http://localhost:8000{path} Si no, no tiene que hacer nada.",
    ),
    "text_receipt_link": Said(
        en="Whereabouts: the page that you asked for. You sign in to read it: http://localhost:8000{path}",
        es="Whereabouts: la página que pidió. Para leerla, inicie sesión: http://localhost:8000{path}",
    ),
}
