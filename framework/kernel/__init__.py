"""The compiled heart: one trader half, one exchange half, and the loops that join them to a tape.

Each folder is a room, and imports only from rooms before it:

    machine   how functions are compiled, kept on disk and given memory; chance and exact ratios
    layout    the records that hold all state, their enumerations, the log
    market    what both halves know: marks, order books, what a price is worth, costs, what the types of orders mean
    account   positions, tax lots, the ledger: either half keeps an account by it
    trader    the trader half: orders as known, from a wish to an approved order
    venue     the exchange half: commands in, matching, waiting lines, latencies, the broker
    loops     the replay of a tape through both halves, or of a record through one

The trader half and the venue never import each other: they meet by messages, in records, and at addresses that the loops hand over.
`docs/kernel.md` walks one order and one event through the rooms.
"""
