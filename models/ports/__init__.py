"""What Wilson asks of the world, and how the world may fail: one module for each port.

===================== =====================================================================
``mailbox``           where alert mail arrives
``messenger``         Teams: messages in channels and threads
``channels``          making channels in the team
``tracker``           the issue tracker: issues, their comments, documents, merge requests
``rota``              who is on call
``status_page``       what users are told
``changes``           what was merged and deployed
``pager``             paging somebody about what is urgent and nobody owns
``gateway``           the API gateway: apps, and what they may call
``service_desk``      support calls
``people_directory``  people of the whole organisation
``checks``            what ``wilson doctor`` asks of each of them
``errors``            how each of them may fail
===================== =====================================================================

The tree of ``errors``::

    PortError
    ├── Temporary    did not happen; try again, not before ``retry_after``
    │   └── Unauthorised    did not happen, and will not before a person renews what we sign in with
    ├── Permanent    did not happen and will not by trying again
    └── Ambiguous    may have happened; look before doing it again
"""
