"""All that crosses between kernel and browser, written once.

`js/src/protocol.gen.ts` is generated from this folder by `make schema`; a test
fails when it is stale, or when a field of `State` is not a synced trait.

Three kinds of state, which never mix: `State` holds the traits (what one would
restore, link or observe), `Request` and `Reply` are messages (a question about
one thing, answered or refused by id), and what is local (hover, zoom) appears
nowhere here.

A file for each part: `words` (what the others are said in), `about`, `state`,
`request`, `items` and `figures` (replies of what is known item by item, and of
groups), `reply`, and `page` (what an exported page holds).

Annotations must stay real types: postponed ones hide which fields are optional.
"""
