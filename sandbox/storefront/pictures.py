"""Product pictures, drawn here so that the shop needs no photographs and no network.

A product's hint (`mug`, `kettle`) names a shape: a few SVG elements on a 400 x 400 ground that use four tones
of one colour, `{main}`, `{dark}`, `{light}` and `{ground}`.
"""

from __future__ import annotations

import html
import zlib

PALETTES: dict[str, dict[str, str]] = {
    "clay": {"ground": "#f3e7df", "main": "#c1714f", "dark": "#8f4e33", "light": "#e2a78c"},
    "sage": {"ground": "#e8ede4", "main": "#7f9a78", "dark": "#566f51", "light": "#b5c8ae"},
    "ink": {"ground": "#e6e9ee", "main": "#43546e", "dark": "#2a384d", "light": "#8d9cb5"},
    "sand": {"ground": "#f5efe3", "main": "#d3b384", "dark": "#a08253", "light": "#ead7b5"},
    "plum": {"ground": "#f1e7ec", "main": "#8c5570", "dark": "#61384c", "light": "#c39aae"},
    "honey": {"ground": "#faf0da", "main": "#dda83d", "dark": "#a67718", "light": "#f2d48f"},
    "snow": {"ground": "#e9e7e2", "main": "#fbfaf7", "dark": "#bdb7ab", "light": "#ffffff"},
    "moss": {"ground": "#e9ebdd", "main": "#66703a", "dark": "#444b24", "light": "#a3ac78"},
}

SHAPES: dict[str, str] = {
    "coffee-bag": (
        '<path d="M128 118h144l14 182a10 10 0 0 1-10 10H124a10 10 0 0 1-10-10z" fill="{main}"/>'
        '<path d="M128 86h144v36H128z" fill="{dark}"/>'
        '<path d="M128 104h144" stroke="{light}" stroke-width="3"/>'
        '<rect x="146" y="168" width="108" height="98" rx="4" fill="{ground}"/>'
        '<ellipse cx="200" cy="204" rx="17" ry="23" fill="{dark}" transform="rotate(28 200 204)"/>'
        '<path d="M208 185c-14 12-2 24-16 38" stroke="{ground}" stroke-width="4" fill="none"/>'
        '<path d="M166 248h68" stroke="{dark}" stroke-width="4"/>'
    ),
    "pouch": (
        '<path d="M140 96h120l16 204a10 10 0 0 1-10 10H134a10 10 0 0 1-10-10z" fill="{main}"/>'
        '<path d="M138 122h124" stroke="{light}" stroke-width="5" stroke-dasharray="9 6"/>'
        '<circle cx="200" cy="212" r="48" fill="{ground}"/>'
        '<path d="M200 178c24 30 26 40 26 48a26 26 0 0 1-52 0c0-8 2-18 26-48z" fill="{dark}"/>'
    ),
    "dripper": (
        '<path d="M112 118h176l-58 106h-60z" fill="{main}"/><ellipse cx="200" cy="118" rx="88" ry="18"'
        ' fill="{dark}"/>'
        '<path d="M150 142l32 76M200 146v76M250 142l-32 76" stroke="{light}" stroke-width="5"/>'
        '<path d="M136 224h128v16H136z" fill="{dark}"/>'
        '<path d="M272 140c42-4 44 56-10 50" fill="none" stroke="{dark}" stroke-width="14"/>'
        '<path d="M156 248h88v46a16 16 0 0 1-16 16h-56a16 16 0 0 1-16-16z" fill="{light}"/>'
    ),
    "kettle": (
        '<path d="M116 248C66 236 84 158 52 146" fill="none" stroke="{dark}" stroke-width="13"'
        ' stroke-linecap="round"/><path d="M286 176c62-22 62 96-4 104" fill="none" stroke="{dark}"'
        ' stroke-width="15"/><path d="M136 154h136l28 140a14 14 0 0 1-14 16H122a14 14 0 0 1-14-16z"'
        ' fill="{main}"/><path d="M148 130h112l12 26H136z" fill="{dark}"/><circle cx="204" cy="118" r="13"'
        ' fill="{dark}"/><path d="M130 216l-8 60" stroke="{light}" stroke-width="9" stroke-linecap="round"/>'
    ),
    "grinder": (
        '<path d="M200 92h84" stroke="{dark}" stroke-width="11" stroke-linecap="round"/>'
        '<circle cx="288" cy="84" r="17" fill="{main}"/><path d="M192 86h16v36h-16z" fill="{dark}"/>'
        '<path d="M150 122h100v96H150z" fill="{light}"/><path d="M144 118h112v18H144z" fill="{dark}"/>'
        '<path d="M150 212h100v88a10 10 0 0 1-10 10h-80a10 10 0 0 1-10-10z" fill="{main}"/>'
        '<path d="M150 232h100" stroke="{dark}" stroke-width="6"/>'
    ),
    "press": (
        '<path d="M194 62h12v90h-12z" fill="{dark}"/><circle cx="200" cy="60" r="17" fill="{main}"/>'
        '<path d="M276 164c52-6 52 104 0 98" fill="none" stroke="{dark}" stroke-width="14"/>'
        '<path d="M128 136h144v16H128z" fill="{dark}"/><path d="M134 152h132v158H134z" fill="{light}"/>'
        '<path d="M134 210h132v100H134z" fill="{main}"/><path d="M134 200h132v12H134z" fill="{dark}"/>'
        '<path d="M124 302h152v10H124z" fill="{dark}"/>'
    ),
    "papers": (
        '<path d="M120 126h160l-60 168h-40z" fill="{dark}" transform="translate(16 16)"/>'
        '<path d="M112 122h176l-66 176h-44z" fill="{light}" transform="translate(8 8)"/>'
        '<path d="M112 118h176l-66 176h-44z" fill="{main}"/>'
        '<path d="M178 294l-52-160M222 294l52-160" stroke="{dark}" stroke-width="3" stroke-dasharray="6 6"/>'
    ),
    "scale": (
        '<path d="M96 232h208a14 14 0 0 1 14 14v50a14 14 0 0 1-14 14H96a14 14 0 0 1-14-14v-50a14 14 0 0 1'
        ' 14-14z" fill="{dark}"/><rect x="100" y="210" width="200" height="18" rx="7" fill="{main}"/>'
        '<rect x="150" y="254" width="100" height="36" rx="5" fill="{ground}"/>'
        '<path d="M168 272h12M190 272h12M212 272h22" stroke="{dark}" stroke-width="6"/>'
        '<path d="M160 130h80v64a14 14 0 0 1-14 14h-52a14 14 0 0 1-14-14z" fill="{light}"/>'
        '<path d="M160 160h80v34a14 14 0 0 1-14 14h-52a14 14 0 0 1-14-14z" fill="{main}"/>'
    ),
    "glass": (
        '<path d="M138 118h124l-16 192h-92z" fill="{light}"/><path d="M146 200h108l-9 110h-90z"'
        ' fill="{main}"/><path d="M143 176h114l-2 26H146z" fill="{ground}"/>'
        '<path d="M164 124l8 182M188 124l4 182M212 124l-4 182M236 124l-8 182" stroke="{dark}"'
        ' stroke-width="3" opacity=".5"/>'
    ),
    "cup": (
        '<path d="M258 196c56-12 56 74-14 66" fill="none" stroke="{dark}" stroke-width="14"/>'
        '<path d="M120 174h144c0 66-26 112-72 112s-72-46-72-112z" fill="{main}"/>'
        '<ellipse cx="192" cy="174" rx="72" ry="17" fill="{dark}"/>'
        '<ellipse cx="192" cy="300" rx="108" ry="15" fill="{light}"/>'
        '<path d="M176 140c-14-18 14-26 0-46M208 140c-14-18 14-26 0-46" fill="none" stroke="{light}"'
        ' stroke-width="6" stroke-linecap="round"/>'
    ),
    "travel-cup": (
        '<path d="M146 128h108l-12 182h-84z" fill="{main}"/><path d="M138 96h124v34H138z" fill="{dark}"/>'
        '<path d="M158 80h84v18h-84z" fill="{dark}"/><path d="M150 178h100l-5 70h-90z" fill="{light}"/>'
    ),
    "skillet": (
        '<path d="M284 196l92-62" stroke="{dark}" stroke-width="24" stroke-linecap="round"/>'
        '<circle cx="180" cy="222" r="108" fill="{dark}"/><circle cx="180" cy="222" r="86" fill="{main}"/>'
        '<path d="M124 196c12-24 34-36 60-34" stroke="{light}" stroke-width="9" fill="none"'
        ' stroke-linecap="round"/>'
    ),
    "knife": (
        '<g transform="rotate(-24 200 200)"><path d="M40 178h212v44H84c-22 0-36-14-44-44z" fill="{light}"/>'
        '<path d="M62 222l10-12 10 12 10-12 10 12 10-12 10 12 10-12 10 12 10-12 10 12 10-12 10 12 10-12 10 12'
        ' 10-12 10 12 10-12 10 12" fill="none" stroke="{dark}" stroke-width="4"/>'
        '<rect x="250" y="174" width="118" height="44" rx="18" fill="{main}"/>'
        '<circle cx="280" cy="196" r="5" fill="{light}"/><circle cx="336" cy="196" r="5" fill="{light}"/></g>'
    ),
    "mug": (
        '<path d="M262 178h26a34 34 0 0 1 0 86h-30" fill="none" stroke="{dark}" stroke-width="18"/>'
        '<path d="M118 142h148v124a44 44 0 0 1-44 44h-60a44 44 0 0 1-44-44z" fill="{main}"/>'
        '<ellipse cx="192" cy="142" rx="74" ry="17" fill="{dark}"/>'
        '<path d="M118 214h148v26H118z" fill="{light}"/>'
    ),
    "bowl": (
        '<path d="M84 178h232c0 78-46 128-92 130h-48c-46-2-92-52-92-130z" fill="{main}"/>'
        '<ellipse cx="200" cy="178" rx="116" ry="26" fill="{dark}"/>'
        '<ellipse cx="200" cy="184" rx="98" ry="18" fill="{light}"/>'
    ),
    "spoon": (
        '<g transform="translate(-34 0) rotate(-12 159 200)">'
        '<path d="M152 170h14v142a7 7 0 0 1-14 0z" fill="{dark}"/>'
        '<ellipse cx="159" cy="126" rx="34" ry="50" fill="{main}"/></g>'
        '<g transform="translate(20 0) rotate(10 240 200)">'
        '<path d="M234 168h14v142a7 7 0 0 1-14 0z" fill="{dark}"/>'
        '<rect x="212" y="78" width="58" height="100" rx="20" fill="{main}"/>'
        '<path d="M230 96v58M252 96v58" stroke="{ground}" stroke-width="7" stroke-linecap="round"/></g>'
    ),
    "towel": (
        '<path d="M92 96h216" stroke="{dark}" stroke-width="12" stroke-linecap="round"/>'
        '<path d="M128 96h144v204l-12-8-12 8-12-8-12 8-12-8-12 8-12-8-12 8-12-8-12 8-12-8-12 8z"'
        ' fill="{main}"/>'
        '<path d="M128 236h144M128 252h144M128 148h144" stroke="{light}" stroke-width="7"/>'
    ),
    "jar": (
        '<rect x="136" y="96" width="128" height="40" rx="8" fill="{dark}"/>'
        '<path d="M142 136h116c30 14 34 30 34 56v86a32 32 0 0 1-32 32H140a32 32 0 0 1-32-32v-86'
        'c0-26 4-42 34-56z" fill="{main}"/>'
        '<rect x="140" y="198" width="120" height="72" rx="6" fill="{ground}"/>'
        '<path d="M162 224h76M176 242h48" stroke="{dark}" stroke-width="4"/>'
        '<path d="M124 190c2-20 10-28 22-34" stroke="{light}" stroke-width="8" fill="none"'
        ' stroke-linecap="round"/>'
    ),
    "gift-card": (
        '<g transform="rotate(-7 200 200)"><rect x="76" y="122" width="248" height="156" rx="16"'
        ' fill="{main}"/><path d="M76 186h248v26H76z" fill="{light}"/>'
        '<path d="M140 122h26v156h-26z" fill="{light}"/>'
        '<path d="M153 199c-44-46-62-10-8 0-50 18-22 46 8 0zM153 199c44-46 62-10 8 0 50 18 22 46-8 0z"'
        ' fill="{dark}"/></g>'
    ),
    "box": (
        '<path d="M98 148l102-46 102 46v122l-102 46-102-46z" fill="{main}"/>'
        '<path d="M98 148l102 46 102-46-102-46z" fill="{light}"/>'
        '<path d="M200 194v122M148 124l102 46v46" stroke="{dark}" stroke-width="7" fill="none"/>'
    ),
}


def picture(hint: str, title: str) -> str:
    """The SVG document of a product; the colour follows from its title, an unknown hint is a box."""
    palette = _palette(title)
    drawing = SHAPES.get(hint, SHAPES["box"]).format(**palette)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="800" height="800" role="img">'
        f"<title>{html.escape(title)}</title>"
        f'<rect width="400" height="400" fill="{palette["ground"]}"/>'
        '<ellipse cx="200" cy="318" rx="142" ry="13" fill="#000" opacity=".08"/>'
        f"{drawing}</svg>"
    )


def _palette(title: str) -> dict[str, str]:
    names = sorted(PALETTES)
    return PALETTES[names[zlib.crc32(title.encode()) % len(names)]]
