"""Complete loads of any endpoint: fetched window by window, checked, and cached.

From a call to the socket::

    load.load → ._scan → refresh.refresh_cache      what is asked for, what is cached, what is missing (plan.Plan)
    refresh._fetch_and_commit → fetch.fetch_windows several windows at once
    workers.WorkerPool                              each page by one of the workers, in order of priority
    session.ApiSession.get → ._attempt → ._request  retries; the limits; one request
    transport.Connections.get                       a connection that is kept open
    http_responses.read_response                    status, headers and body of the answer

and back: `pages.PageDecoder` makes records of an answer, `reader.WindowReader` a window of pages and
`chunks.ChunkReader` decides whether they can be believed; `commit.Committer` and `cache.Cache.commit` write a
`window_file`, and `cached_rows.scan_windows` reads it. The differences between endpoints are in `optkit.datasets`.

Before windows are fetched, `account` and `identity` make sure that the cache and the token are of the same account,
`plan` and `windows` say what to fetch, and `explore` asks the server what only it knows. With each request, `limits`
says when it may start, `retries` and `failures` what follows if it fails, `environment` which proxy and certificates
it uses, and `clocks` what time it is. Afterwards, `inventory` shows, verifies and clears what is cached.
"""
