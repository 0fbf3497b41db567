"""The door for phones, browsers and hospitals: the only place that knows Flask.

A route does four things: read, open the transaction, enter, call one action.
"""
