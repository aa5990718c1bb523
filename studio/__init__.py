"""Material comes in (intake), is looked over (health), is made searchable (retrieval) or teaches a model (training), answers
questions (answering), is measured (evaluation), advised on (advice), held side by side (comparison), explained
(explanation), made better (improvement) and taken home (export).

That sentence is also the map: every step is a room of this package, and a room imports only rooms to its left and `base`.
"""

__version__ = "0.1.0"
