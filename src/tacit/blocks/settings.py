"""Settings that the two-party semi-honest protocols share."""

from dataclasses import replace

from tacit.base.setting import Setting

TWO_PARTY_OT = Setting(
    parties=2,
    corrupted=1,
    adversary="semi-honest",
    security="computational",
    assumes=("private channels", "random oracle", "DDH in ristretto255", "AES-128 as an ideal cipher"),
)
"""Base OTs over ristretto255, OT extension and hashing by fixed-key AES."""

TWO_PARTY_OT_MALICIOUS = replace(TWO_PARTY_OT, adversary="malicious")
"""As above, against a party that deviates."""

LPN = "dual LPN with regular noise for the code ExConv7x24 (silent OT and VOLE only)"

TWO_PARTY_ANY_OT = replace(TWO_PARTY_OT, assumes=(*TWO_PARTY_OT.assumes, LPN))
"""Whatever gives the OTs: what is assumed of all sources together."""
