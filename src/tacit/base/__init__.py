"""The ground: types, errors, wire, randomness, `Ctx`, `@protocol`. Depends on numpy and the kernel only."""
