"""Settings that the two-party semi-honest protocols share."""

from tacit.base.setting import Setting

TWO_PARTY_OT = Setting(
    parties=2,
    corrupted=1,
    adversary="semi-honest",
    security="computational",
    assumes=("private channels", "random oracle", "DDH in ristretto255", "AES-128 as an ideal cipher"),
)
"""Base OTs over ristretto255, OT extension and hashing by fixed-key AES."""
