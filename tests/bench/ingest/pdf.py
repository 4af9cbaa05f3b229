"""A plain PDF writer: pages of words with a captioned picture each. (ISO 32000-1, classic cross-reference table)"""

import io
from typing import List

_LINES = 30


def _picture(page: int) -> bytes:
    from PIL import Image, ImageDraw
    image = Image.new("RGB", (640, 420), ((page * 53) % 256, (page * 97) % 256, (page * 151) % 256))
    draw = ImageDraw.Draw(image)
    for i in range(12):
        draw.rectangle((40 * i, (page * 31 + 29 * i) % 380, 40 * i + 60, (page * 31 + 29 * i) % 380 + 70),
                       fill=((i * 21) % 256, (page * i) % 256, 120), outline="black")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def pdf(pages: int, first: int = 1) -> bytes:
    """A4; the picture in the upper half, its caption below it, then lines of text. What is on a page depends on its number, of
    which `first` is the first."""
    objects: List[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for page in range(first, first + pages):
        jpeg = _picture(page)
        lines = [f"Figure {page}: pattern number {page} of the series"] + [
            f"Line {line} of page {page} tells of towers, bells and crows." for line in range(1, _LINES)]
        words = (f"BT /F1 10 Tf 72 415 Td ({lines[0]}) Tj ET BT /F1 10 Tf 72 390 Td 12 TL " +
                 " ".join(f"({line}) '" for line in lines[1:]) + " ET")
        stream = f"q 400 0 0 262 90 440 cm /Im Do Q {words}".encode()
        image = len(objects) + 1
        objects.append(b"<< /Type /XObject /Subtype /Image /Width 640 /Height 420 /ColorSpace /DeviceRGB /BitsPerComponent 8 "
                       b"/Filter /DCTDecode /Length %d >>\nstream\n" % len(jpeg) + jpeg + b"\nendstream")
        objects.append(b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream")
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R "
                       b">> /XObject << /Im %d 0 R >> >> >>" % (image + 1, image))
        kids.append(b"%d 0 R" % (image + 2))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, b" ".join(kids))
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
