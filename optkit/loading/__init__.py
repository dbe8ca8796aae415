"""Complete loads of any endpoint: fetched window by window, checked, and cached.

From a call to the socket::

    load.load → load.scan → refresh.refresh_cache   what is asked for, what is cached, what is missing (plan.Plan)
    refresh._fetch → fetch.fetch_windows            several windows at once
    fetch._Fetcher → workers.WorkerPool             each page by one of the workers, in order of priority
    session.ApiSession.get → ._attempt → ._request  retries; the limits; one request
    transport.Connections.get                       a connection that is kept open; responses.read_response

and back: `pages.PageDecoder` makes records of an answer, `reader.WindowReader` a window of pages and
`chunks.ChunkReader` decides whether they can be believed; `commit.Committer` and `cache.Cache.commit` write a file.
What is particular to an endpoint stands in `optkit.datasets`.
"""
