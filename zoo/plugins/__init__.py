"""The one boundary around other people's code: hooks, discovery, validation, API version, and who is named when it fails.

(The folder ``plugins/`` beside ``zoo/`` is another: the plugins that come with zoo, installed as ``zoo_plugins``.)
"""
