"""What is asked of GitLab in GraphQL: only what REST can't do, or takes more calls for."""

from __future__ import annotations

ITERATIONS = """\
query Iterations($path: ID!) {
  project(fullPath: $path) {
    iterationCadences(includeAncestorGroups: true, active: true, first: 100) {
      nodes { id title }
    }
    iterations(state: current, includeAncestors: true, first: 100) {
      nodes { id title startDate dueDate iterationCadence { id title } }
    }
  }
}
"""
"""Premium. On other servers the fields are not there, or hold nothing."""

REACHABLE = """\
query Reachable($path: ID!) {
  project(fullPath: $path) { id }
}
"""

CREATE = """\
mutation Create($input: CreateIssueInput!) {
  createIssue(input: $input) {
    errors
    issue { id iid webUrl }
  }
}
"""

SEVERITY = """\
mutation Severity($input: IssueSetSeverityInput!) {
  issueSetSeverity(input: $input) { errors }
}
"""

ITERATION = """\
mutation Iteration($input: IssueSetIterationInput!) {
  issueSetIteration(input: $input) { errors }
}
"""

EVENTS = """\
query Events($path: ID!, $incident: IssueID!) {
  project(fullPath: $path) {
    incidentManagementTimelineEvents(incidentId: $incident, last: 100) {
      nodes { note occurredAt }
    }
  }
}
"""

EVENT = """\
mutation Event($input: TimelineEventCreateInput!) {
  timelineEventCreate(input: $input) { errors }
}
"""

RESOURCES = """\
query Resources($path: ID!, $number: String!, $incident: IssueID!) {
  project(fullPath: $path) {
    issue(iid: $number) {
      issuableResourceLinks(incidentId: $incident, last: 100) { nodes { link } }
    }
  }
}
"""
"""Premium."""

RESOURCE = """\
mutation Resource($input: IssuableResourceLinkCreateInput!) {
  issuableResourceLinkCreate(input: $input) { errors }
}
"""

MERGE_REQUEST = """\
query MergeRequest($path: ID!, $number: String!) {
  project(fullPath: $path) {
    mergeRequest(iid: $number) {
      title state draft approved
      approvedBy(last: 1) { nodes { name } }
      mergeUser { name }
    }
  }
}
"""

ON_CALL = """\
query OnCall($path: ID!, $from: Time!, $to: Time!) {
  project(fullPath: $path) {
    incidentManagementOncallSchedules(first: 50) {
      nodes {
        iid name
        rotations(first: 50) {
          nodes {
            shifts(startTime: $from, endTime: $to, first: 100) {
              pageInfo { hasNextPage }
              nodes { startsAt endsAt participant { user { username name } } }
            }
          }
        }
      }
    }
  }
}
"""
"""Premium. GitLab tells the shifts of at most a month at once."""

PAGES = """\
query Pages($path: ID!, $after: String) {
  project(fullPath: $path) {
    snippets(first: 100, after: $after) {
      nodes { id description webUrl author { id } }
      pageInfo { endCursor hasNextPage }
    }
  }
}
"""

MERGED = """\
query Merged($path: ID!, $since: Time!, $until: Time!) {
  project(fullPath: $path) {
    repository { rootRef }
    mergeRequests(
      state: merged, mergedAfter: $since, mergedBefore: $until, sort: MERGED_AT_DESC, first: 100
    ) {
      nodes { iid title webUrl mergedAt targetBranch mergeUser { name } author { name } }
    }
  }
}
"""

NEW_PAGE = """\
mutation NewPage($input: CreateSnippetInput!) {
  createSnippet(input: $input) {
    errors
    snippet { id webUrl }
  }
}
"""

PAGE = """\
mutation Page($input: UpdateSnippetInput!) {
  updateSnippet(input: $input) { errors }
}
"""

ALL = (
    ITERATIONS, REACHABLE, CREATE, SEVERITY, ITERATION, EVENTS, EVENT, RESOURCES, RESOURCE, MERGE_REQUEST,
    PAGES, NEW_PAGE, PAGE, ON_CALL, MERGED,
)  # fmt: skip
