"""The names of a world's nodes."""

from __future__ import annotations

_LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi"
)
GREEK = [*_LETTERS.split(), "psi", "omega"]
DOMAIN = "test"


def host_names(number: int) -> list[str]:
    """`alpha.test`, `beta.test`, …; after the letters come `alpha2.test` and so on."""
    return [f"{GREEK[n % len(GREEK)]}{'' if n < len(GREEK) else n // len(GREEK) + 1}.{DOMAIN}" for n in range(number)]


def host_of_name(name: str) -> str:
    """`alpha.test` of `alpha`; a name with a dot stays as it is."""
    return name if "." in name else f"{name}.{DOMAIN}"
