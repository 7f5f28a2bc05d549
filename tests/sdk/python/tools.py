"""The official Python SDK with tools that were pushed to the server: the same calls as with any other agent.

Besides the server's address and the key, GLOVEBOX is the binary that pushes, GLOVEBOX_TOOLS the folder with the tools, and
GLOVEBOX_SERVE and GLOVEBOX_PID start the server anew and say which process it is.
"""

import tool_calls
import tool_entries
import tool_permissions

tool_entries.references()
tool_entries.contradictions()
tool_permissions.confirmation()
tool_permissions.versions()
tool_permissions.secret()
tool_entries.three_tools_in_one_turn()
tool_calls.progress()
tool_calls.interrupt()
tool_calls.restart()
print("python: tools ok")
