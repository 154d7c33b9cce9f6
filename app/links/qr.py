"""QR codes of links, to be printed and scanned from paper."""

import io

import segno


def _code(url: str) -> segno.QRCode:
    # Level Q survives the loss of a quarter: paper gets creased and stained.
    return segno.make(url, error="q", micro=False)


def svg(url: str) -> bytes:
    """The QR code of an address as SVG."""
    out = io.BytesIO()
    _code(url).save(out, kind="svg", scale=8)
    return out.getvalue()


def inline(url: str) -> str:
    """The QR code of an address as an SVG element that takes the size that it is given."""
    drawn: str = _code(url).svg_inline(omitsize=True)
    return drawn


def png(url: str) -> bytes:
    """The QR code of an address as PNG, wide enough to print at 6 cm."""
    out = io.BytesIO()
    _code(url).save(out, kind="png", scale=16)
    return out.getvalue()
