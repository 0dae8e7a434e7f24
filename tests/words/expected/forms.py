"""What is read before a yes and before a pause, why a yes is not possible, and what a location is used for."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    "why_AccountManagement": Said(en="To look after an account of yours", es="Para atender una cuenta suya"),
    "why_Advertising": Said(en="To show you ads", es="Para mostrarle anuncios"),
    "why_AgeVerification": Said(en="To check how old you are", es="Para comprobar su edad"),
    "why_CombatClimateChange": Said(en="For work on the climate", es="Para trabajos sobre el clima"),
    "why_CommercialResearch": Said(en="To study customers", es="Para estudiar a los clientes"),
    "why_CounterMoneyLaundering": Said(en="To spot money laundering", es="Para detectar lavado de dinero"),
    "why_CreditChecking": Said(en="To decide if you get credit", es="Para decidir si le dan crédito"),
    "why_CustomerCare": Said(en="To help you as a customer", es="Para ayudarle como cliente"),
    "why_DeliveryOfGoods": Said(en="To bring you something you ordered", es="Para llevarle algo que pidió"),
    "why_DirectMarketing": Said(en="To send you ads", es="Para enviarle anuncios"),
    "why_EnforceSecurity": Said(en="To keep things secure", es="Para mantener la seguridad"),
    "why_FraudPreventionAndDetection": Said(en="To spot fraud", es="Para detectar fraudes"),
    "why_HumanResourceManagement": Said(
        en="So that an employer can manage its staff", es="Para que una empresa organice a su personal"
    ),
    "why_IdentityVerification": Said(en="To check who you are", es="Para comprobar quién es usted"),
    "why_LegalCompliance": Said(en="To follow a law", es="Para cumplir una ley"),
    "why_Marketing": Said(en="To advertise", es="Para hacer publicidad"),
    "why_PersonalisedAdvertising": Said(
        en="To show you ads picked for you", es="Para mostrarle anuncios elegidos para usted"
    ),
    "why_Personalisation": Said(en="To fit a service to you", es="Para adaptar un servicio a usted"),
    "why_PersonnelManagement": Said(
        en="So that an employer can see its staff", es="Para que una empresa vea a su personal"
    ),
    "why_ProvideEventRecommendations": Said(en="To suggest things to do", es="Para sugerirle actividades"),
    "why_ProvidePersonalisedRecommendations": Said(en="To suggest things to you", es="Para sugerirle cosas"),
    "why_PublicBenefit": Said(en="For the public good", es="Por el bien público"),
    "why_RequestedServiceProvision": Said(
        en="To give you a service you asked for", es="Para darle un servicio que pidió"
    ),
    "why_ResearchAndDevelopment": Said(en="For research", es="Para investigación"),
    "why_SellDataToThirdParties": Said(en="To sell it to others", es="Para venderla a otros"),
    "why_SellProducts": Said(en="To sell you things", es="Para venderle cosas"),
    "why_ServiceOptimisation": Said(en="To make a service better", es="Para mejorar un servicio"),
    "why_ServiceProvision": Said(en="To run a service", es="Para prestar un servicio"),
    "why_SocialMediaMarketing": Said(en="To advertise on social media", es="Para publicidad en redes sociales"),
    "why_TargetedAdvertising": Said(
        en="To show you ads by where you go", es="Para mostrarle anuncios según por dónde va"
    ),
    "why_VehicleTracking": Said(en="To follow a vehicle", es="Para seguir un vehículo"),
    "reason_partner_suspended": Said(
        en="We have suspended this company. Nobody can allow it now.",
        es="Hemos suspendido a esta empresa. Ahora nadie puede permitirla.",
    ),
    "reason_partner_unhealthy": Said(
        en="This company does not answer our messages, so we say no to it for now.",
        es="Esta empresa no responde a nuestros mensajes, así que por ahora le decimos que no.",
    ),
    "reason_contract_not_in_force": Said(
        en="Our contract with the company in between is not in force.",
        es="Nuestro contrato con la empresa intermedia no está vigente.",
    ),
    "reason_campaign_not_in_force": Said(
        en="We have not approved this use for now.",
        es="Por ahora no hemos aprobado este uso.",
    ),
    "reason_jurisdiction_prohibits": Said(
        en="We don't allow this in your state.",
        es="No permitimos esto en su estado.",
    ),
    "reason_restoring": Said(
        en="Our records are being put back in order after a fault. Until then nobody gets a location.",
        es="Estamos poniendo en orden nuestros registros después de una falla. Hasta entonces nadie recibe una "
        "ubicación.",
    ),
    "allow_crumb": Said(
        en="Home / Allow again",
        es="Inicio / Permitir otra vez",
    ),
    "allow_title": Said(
        en="Allow {name} to get your location?",
        es="¿Permitir que {name} reciba su ubicación?",
    ),
    "allow_who": Said(
        en="Who",
        es="Quién",
    ),
    "allow_through": Said(
        en="Through",
        es="A través de",
    ),
    "allow_passed_on": Said(
        en="Passed on to",
        es="La pasa a",
    ),
    "allow_why": Said(
        en="Why",
        es="Para qué",
    ),
    "allow_how_exact": Said(
        en="How exact",
        es="Exactitud",
    ),
    "allow_until_when": Said(
        en="Until when",
        es="Hasta cuándo",
    ),
    "allow_this_phone": Said(
        en="This phone",
        es="Este teléfono",
    ),
    "allow_back": Said(
        en="Back",
        es="Volver",
    ),
    "allow_no": Said(
        en="No, leave it off",
        es="No, dejarlo así",
    ),
    "allow_how_long": Said(
        en="How long",
        es="Cuánto tiempo",
    ),
    "allow_that_day": Said(
        en="That day",
        es="Ese día",
    ),
    "allow_until_stop": Said(
        en="Until I stop it",
        es="Hasta que yo lo detenga",
    ),
    "for_an_hour": Said(
        en="For the next hour",
        es="Durante la próxima hora",
    ),
    "for_a_day": Said(
        en="For one day",
        es="Por un día",
    ),
    "for_a_year": Said(
        en="For one year",
        es="Por un año",
    ),
    "for_a_week": Said(
        en="For one week",
        es="Por una semana",
    ),
    "pause_how_long": Said(
        en="How long?",
        es="¿Cuánto tiempo?",
    ),
    "pause_it": Said(
        en="Pause it",
        es="Pausar",
    ),
    "pause_all": Said(
        en="Pause all sharing",
        es="Poner todo en pausa",
    ),
    "allow_in_its_words": Said(
        en="In its words: “{words}”",
        es="En sus palabras: “{words}”",
    ),
    "allow_within_500": Said(
        en="within about 500 m",
        es="a unos 500 m",
    ),
    "allow_ends": Said(
        en="As you choose below, and never longer than {day}, when our approval of this use ends.",
        es="Como elija abajo, y nunca más allá del {day}, cuando termina nuestra aprobación de este uso.",
    ),
    "allow_already": Said(
        en="It is allowed already. Nothing needs to be done.",
        es="Ya está permitido. No hay que hacer nada.",
    ),
    "allow_not_for": Said(
        en="It is allowed already, but not for {names}. A yes now counts for that too.",
        es="Ya está permitido, pero no para {names}. Un sí ahora vale también para eso.",
    ),
    "allow_only_this": Said(
        en="Only this one use is allowed: everything else stays as it is.",
        es="Solo se permite este uso: todo lo demás queda como está.",
    ),
    "allow_yes": Said(
        en="Yes, allow {name}\nNo, leave it off",
        es="Sí, permitir a {name}\nNo, dejarlo así",
    ),
    "pause_crumb": Said(
        en="Home / Pause",
        es="Inicio / Pausa",
    ),
    "pause_title": Said(
        en="Pause {about}",
        es="Pausar {about}",
    ),
    "pause_lead_all": Said(
        en="We say no to every company until then, at once. After that, what was there before counts again.",
        es="Decimos que no a todas las empresas hasta entonces, de inmediato. Después vuelve a valer lo que había "
        "antes.",
    ),
    "pause_lead": Said(
        en="We say no to it until then, at once. After that, what was there before counts again.",
        es="Le decimos que no hasta entonces, de inmediato. Después vuelve a valer lo que había antes.",
    ),
    "nothing_changed": Said(en="Nothing changed. {why}", es="No cambió nada. {why}"),
    "so_not_now": Said(en="{why} So it can't be allowed now.", es="{why} Así que ahora no se puede permitir."),
}
