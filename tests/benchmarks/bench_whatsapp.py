"""Every form of WhatsApp's export: are all messages, speakers and times read right, and how fast?

Run: python -m tests.benchmarks.bench_whatsapp
"""

import time

from studio.intake.chats import whatsapp
from tests.intake import makers
from tests.intake.whatsapp_writer import FORMS, written

REPEATED = 2_000


def main() -> None:
    print(f"{'form':32} {'messages':>10} {'speakers':>10} {'times':>10} {'kinds':>10}")
    whole = 0
    for name, form in FORMS.items():
        content, expected = written(form)
        read = whatsapp.parse(content.replace("\r\n", "\n"))
        whole += read == expected
        pairs = list(zip(read, expected, strict=False))
        right = [
            sum(one.text == other.text for one, other in pairs),
            sum(one.who == other.who for one, other in pairs),
            sum(one.at == other.at for one, other in pairs),
            sum(one.kind == other.kind for one, other in pairs),
        ]
        print(f"{name:32} " + " ".join(f"{f'{count}/{len(expected)}':>10}" for count in right))
    print(f"\nforms read without a fault: {whole} of {len(FORMS)}")
    content = written(FORMS["Android es-ES"])[0] * REPEATED
    megabytes = len(content.encode()) / 1e6
    began = time.process_time()
    said = whatsapp.parse(content)
    parsed = time.process_time()
    whatsapp.of_text(content, makers.origin("_chat.txt"))
    done = time.process_time()
    print(f"{len(said)} messages, {megabytes:.1f} MB: parsed at {megabytes / (parsed - began):.2f} MB/cpu-s,")
    print(f"with pairing and search text {megabytes / (done - parsed):.2f} MB/cpu-s")


if __name__ == "__main__":
    main()
