"""What bench_explanation asks about: four questions of customers, in English and Spanish, alone and behind passages, none
of which was looked at when weights and shares were chosen; and the longer prompts of its other parts."""

from typing import NamedTuple


class Asked(NamedTuple):
    question: str
    said: str
    passages: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """The passages, the last found first, and the question behind them."""
        listed = [f"[{n}] {text}" for n, text in reversed(list(enumerate(self.passages, 1)))]
        return "\n\n".join([*listed, self.question])


QUESTIONS = (
    Asked(
        "Our boiler stopped heating last night and we have two small children at home; can somebody come today, and what "
        "will the visit cost if the part is still under guarantee?",
        "A technician can come today between four and eight. If the part is still under guarantee, you pay only the "
        "travel, which is 35 euros.",
    ),
    Asked(
        "Compré unas botas hace tres semanas y la suela se ha despegado con la primera lluvia; ¿puedo devolverlas sin la "
        "caja original y cuánto tardarán en devolverme el dinero?",
        "Sí, puede devolverlas aunque no tenga la caja original. Le devolveremos el dinero en un plazo de catorce días.",
    ),
    Asked(
        "I lost the key card of my room on the second day; do I have to pay for a new one, and can my sister fetch it at "
        "the desk for me?",
        "A new key card costs 12 euros. Your sister can fetch it at the desk if she shows her passport and names your room.",
        (
            "Key cards. A lost key card is replaced at the desk for 12 euros. Another guest may fetch it when they show a "
            "passport and name the room.",
            "Breakfast is served from seven to ten. Guests who leave earlier get a packed one when they ask the day before.",
        ),
    ),
    Asked(
        "Se me ha roto la montura de las gafas que compré en enero; ¿la reparación entra en la garantía o tengo que pagar "
        "el cambio de la pieza?",
        "La garantía cubre la montura durante dos años, así que la reparación no le cuesta nada. Traiga el recibo a la "
        "tienda.",
        (
            "Garantía. Las monturas tienen una garantía de dos años contra roturas; la reparación es gratuita si se trae "
            "el recibo a la tienda.",
            "Las lentes graduadas se entregan en siete días laborables. La revisión de la vista es gratuita con cita.",
        ),
    ),
)

SAID = (
    "Please send us photos of the damage, the invoice of the repair and the name of your neighbour's insurer. The repair is "
    "paid fourteen days after we have approved it."
)
SYSTEM = (
    "You answer customers of an insurance company. Be brief and friendly. Name the number of days, months or "
    "euros where there is one. If you do not know, say so and give the telephone number of the office. Never "
    "promise a payment, never give legal advice, and never speak about other companies. Sign with the name of the "
    "office and wish a good day. Write in the language of the customer, in short sentences, without lists, and "
    "without any word a customer would have to look up. When somebody was hurt, say first that you are sorry, and "
    "then what they can do today. When a customer is angry, thank them for telling you, and offer to call them "
    "back on the same day."
)
QUESTION = (
    "My kitchen floor was damaged on Monday because the washing machine of the neighbour leaked through the ceiling; which "
    "papers do you need from me, and how long does it take until the repair is paid?"
)
ANSWER = (
    "Please send us photos of the damage, the invoice of the repair and the name of your neighbour's insurer. We answer "
    "every claim within ten days, and the repair is paid fourteen days after we have approved it. Until then please keep "
    "the broken parts of the floor."
)
PASSAGES = (
    "Water damage. The cover pays for damage to floors, walls and furniture by water that leaks from pipes or "
    "machines, also from those of a neighbour. It does not pay for damage by rain through an open window, nor for "
    "the machine itself. The own share is 150 euros. Broken parts are to be kept until the claim has been "
    "settled, as an expert may wish to see them.",
    "Papers. A claim needs photos of the damage, the invoice of the repair or an estimate, and, where somebody "
    "else caused the damage, the name and address of that person and of the insurer. Papers can be sent by e-mail "
    "or brought to any office. Originals are given back. A claim without photos is not refused, but takes longer, "
    "because an expert has to come.",
    "Times. Every claim is answered within ten days. The repair is paid fourteen days after the claim has been "
    "approved. Where an expert has to come, the answer may take thirty days. The customer is told about each step "
    "by e-mail, and may ask at any time by telephone, Monday to Friday from nine to six. A complaint is answered "
    "within one month.",
    "Travel. The travel cover pays for luggage that is lost or stolen, up to 1,500 euros for each journey, and "
    "for the costs of a doctor abroad. It begins on the day of departure and ends after ninety days. Sports that "
    "need a licence are not covered. Cameras and computers are covered up to half of the sum. A theft has to be "
    "told to the police within a day.",
    "Cars. The car cover pays for damage by others who cannot be found, by hail and by martens. The own share is 300 "
    "euros, and nothing for glass that is repaired instead of replaced. A rented car is paid for seven days while the own "
    "one is repaired. Whoever drives without a licence is not covered. The premium falls each year without a claim.",
)
