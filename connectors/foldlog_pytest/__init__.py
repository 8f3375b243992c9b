"""Where pytest finds the plugin `foldlog.pytest_plugin`: the entry point, and nothing else.

A package of its own because `foldlog` has four roots and so no `__init__.py`: of a distribution without any package or
module at its top, pytest strips the first folder of each file, and then takes `foldlog/types.py` for the module `types`
and `foldlog/client` for an application's `client`, and rewrites their assertions, or warns that it cannot.
"""

pytest_plugins = ("foldlog.pytest_plugin",)
