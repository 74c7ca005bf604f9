"""This server looks at others by itself: when something is opened, when a header differs, once a week.

Lives here: what is looked at again, how often, and what of the answer counts. Does not: threads (`walking`), links to
pages (`link_previews.py`), and what arrives by itself (the rest of `inbox`).
"""
