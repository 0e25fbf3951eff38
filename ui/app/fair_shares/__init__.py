"""Fair shares: no person, address or program takes so much of the dashboard's server that others wait for it.

`connections` bounds what is open and how long it may say nothing; `middleware` bounds requests, their bodies and websockets by
`client`; `uploads` bounds files and drops those of closed tabs. How much is allowed are the settings under `limits`.
"""
