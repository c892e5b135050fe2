"""The intermediate representation: operators with their meaning, and programs made of them. Data only."""

import tacit.ir.ops  # noqa: F401  (fills OPS: every operator is known as soon as anything of ir is imported)
