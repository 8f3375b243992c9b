"""What workflow code must not do, and what to do instead: the one place for these facts.

The guard refuses by the audit events while code runs, the scan looks for the names in the bytecode when a worker starts
and `foldlog check` looks for names and families in the source. It imports nothing, and knows none of them.
"""

from __future__ import annotations

Advice = tuple[str, str]
"""What it means, and what to do instead."""

# ---- what can be seen while it happens

_FILES = "read and write in an activity"
_NETWORK = "talk to the network in an activity"
_PROCESS = "start and signal processes in an activity"
_THREADS = "run blocking code in an activity; within the workflow use asyncio tasks"
_SLEEP = "use `await workflow.sleep()` or `await asyncio.sleep()`, which are durable timers"
_SYSTEM = "do it in an activity"
_INPUT = "take it as an argument or a signal"

EVENTS: dict[str, Advice] = {
    "time.sleep": ("sleep in the way of time.sleep", _SLEEP),
    "_thread.start_new_thread": ("start a thread", _THREADS),
    "_thread.start_joinable_thread": ("start a thread", _THREADS),
    "builtins.input": ("wait for input", _INPUT),
    "open": ("open a file", _FILES),
    "mmap.__new__": ("map a file", _FILES),
    "os.system": ("start a process", _PROCESS),
    "os.exec": ("start a process", _PROCESS),
    "os.fork": ("start a process", _PROCESS),
    "os.forkpty": ("start a process", _PROCESS),
    "os.posix_spawn": ("start a process", _PROCESS),
    "os.spawn": ("start a process", _PROCESS),
    "os.startfile": ("start a process", _PROCESS),
    "os.kill": ("signal a process", _PROCESS),
    "os.killpg": ("signal a process", _PROCESS),
    "os.putenv": ("change the environment", _SYSTEM),
    "os.unsetenv": ("change the environment", _SYSTEM),
    "urllib.Request": ("open a URL", _NETWORK),
    "webbrowser.open": ("open a browser", _SYSTEM),
}
"""Audit event to what it means and what to use instead."""

EVENT_FAMILIES: dict[str, Advice] = {
    "os.": ("use the file system", _FILES),
    "shutil.": ("use the file system", _FILES),
    "tempfile.": ("make a temporary file", _FILES),
    "glob.": ("list files", _FILES),
    "pathlib.": ("list files", _FILES),
    "fcntl.": ("lock a file", _FILES),
    "msvcrt.": ("lock a file", _FILES),
    "sqlite3.": ("open a database", _FILES),
    "dbm.": ("open a database", _FILES),
    "socket.": ("use a socket", _NETWORK),
    "http.client.": ("use HTTP", _NETWORK),
    "ftplib.": ("use FTP", _NETWORK),
    "imaplib.": ("use IMAP", _NETWORK),
    "nntplib.": ("use NNTP", _NETWORK),
    "poplib.": ("use POP", _NETWORK),
    "smtplib.": ("send mail", _NETWORK),
    "telnetlib.": ("use Telnet", _NETWORK),
    "subprocess.": ("start a process", _PROCESS),
    "pty.": ("start a process", _PROCESS),
    "signal.": ("signal a thread", _PROCESS),
    "syslog.": ("write to the system log", "use workflow.logger"),
    "resource.": ("change limits of the process", _SYSTEM),
    "winreg.": ("use the registry", _SYSTEM),
    "_winapi.": ("start a process", _PROCESS),
}
"""The same by the beginning of an event's name, so that new ones of a kind are refused too."""

# ---- what comes out differently in replay, by name

_CLOCK = "use workflow.now() or workflow.time()"
_RANDOM = "use workflow.random()"
_UUID = "use workflow.uuid4()"
_SECRET = "make secrets in an activity"
_ENVIRONMENT = "take it as an argument, or read it in an activity"
_ASYNCIO_CLASS = "use the class of that name in asyncio"

CLOCK: dict[str, str] = {
    **dict.fromkeys(("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns"), _CLOCK),
    **dict.fromkeys(("time.perf_counter", "time.perf_counter_ns"), _CLOCK),
    **dict.fromkeys(("time.process_time", "time.process_time_ns", "time.thread_time", "time.thread_time_ns"), _CLOCK),
    **dict.fromkeys(("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"), _CLOCK),
    "datetime.date.today": _CLOCK,
}
RANDOM: dict[str, str] = {
    **dict.fromkeys(
        (
            f"random.{name}"
            for name in [
                "betavariate",
                "binomialvariate",
                "choice",
                "choices",
                "expovariate",
                "gammavariate",
                "gauss",
                "getrandbits",
                "getstate",
                "lognormvariate",
                "normalvariate",
                "paretovariate",
                "randbytes",
                "randint",
                "random",
                "randrange",
                "sample",
                "seed",
                "setstate",
                "shuffle",
                "triangular",
                "uniform",
                "vonmisesvariate",
                "weibullvariate",
            ]
        ),
        _RANDOM,
    ),
    **dict.fromkeys(("uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7"), _UUID),
    **dict.fromkeys(
        (
            f"secrets.{name}"
            for name in ["SystemRandom", "choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe"]
        ),
        _SECRET,
    ),
    **dict.fromkeys(("os.urandom", "os.getrandom"), _SECRET),
    "random.SystemRandom": _SECRET,
}
SURROUNDINGS: dict[str, str] = dict.fromkeys(
    ("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.getpid", "os.getcwd"), _ENVIRONMENT
)
LOCKS: dict[str, str] = {
    **dict.fromkeys(
        (f"threading.{name}" for name in ("Lock", "RLock", "Event", "Condition", "Semaphore", "Barrier")),
        _ASYNCIO_CLASS,
    ),
    **dict.fromkeys(
        (f"queue.{name}" for name in ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue")), _ASYNCIO_CLASS
    ),
}
SLEEP: dict[str, str] = {"time.sleep": "use `await workflow.sleep()`"}

NAMES: dict[str, str] = {**CLOCK, **RANDOM, **SURROUNDINGS, **LOCKS, **SLEEP}
"""What the scan looks for: name of a function, class or value to what to use instead."""

# ---- what is refused or blocks, by name: for whoever sees the source only

CLOCK_UNLESS_GIVEN: dict[str, int] = {
    **dict.fromkeys(("time.localtime", "time.gmtime", "time.ctime", "time.asctime"), 1),
    "time.strftime": 2,
}
"""What is about the present unless it has so many arguments."""
NUMPY_SEEDED = frozenset(
    ("default_rng", "RandomState", "SeedSequence", "Generator", "PCG64", "MT19937", "Philox", "SFC64")
)
"""What of numpy.random is the same in replay, if it is given a seed."""
THREADS: dict[str, str] = {
    **LOCKS,
    **dict.fromkeys(("threading.Thread", "threading.Timer", "threading.BoundedSemaphore"), _THREADS),
    **dict.fromkeys(("asyncio.to_thread", "asyncio.run", "asyncio.run_coroutine_threadsafe"), _THREADS),
    **dict.fromkeys((f"concurrent.futures.{name}" for name in ("ThreadPoolExecutor", "ProcessPoolExecutor")), _THREADS),
}
THREAD_FAMILIES: dict[str, str] = {"multiprocessing.": _THREADS, "_thread.": _THREADS}

BLOCKING: dict[str, str] = {
    "time.sleep": _SLEEP,
    **dict.fromkeys(("open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open"), _FILES),
    **dict.fromkeys(("tarfile.open", "zipfile.ZipFile", "sqlite3.connect", "dbm.open", "shelve.open"), _FILES),
    "input": _INPUT,
    **dict.fromkeys(("getpass.getpass", "fileinput.input"), _INPUT),
    **dict.fromkeys(
        (
            f"os.{name}"
            for name in [
                "access",
                "chdir",
                "chmod",
                "chown",
                "listdir",
                "link",
                "lstat",
                "makedirs",
                "mkdir",
                "open",
                "remove",
                "removedirs",
                "rename",
                "renames",
                "replace",
                "rmdir",
                "scandir",
                "stat",
                "symlink",
                "truncate",
                "unlink",
                "utime",
                "walk",
            ]
        ),
        _FILES,
    ),
    **dict.fromkeys(
        (f"os.path.{name}" for name in ["exists", "getmtime", "getsize", "isdir", "isfile", "islink", "realpath"]),
        _FILES,
    ),
    **dict.fromkeys(("os.system", "os.popen", "os.fork", "os.kill", "os.killpg"), _PROCESS),
    **dict.fromkeys(("pathlib.Path.cwd", "pathlib.Path.home"), _FILES),
    **dict.fromkeys(("urllib.request.urlopen", "urllib.request.urlretrieve"), _NETWORK),
    **dict.fromkeys(("asyncio.open_connection", "asyncio.start_server", "asyncio.open_unix_connection"), _NETWORK),
    **dict.fromkeys(("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"), _PROCESS),
    **dict.fromkeys(("aiohttp.ClientSession", "aiohttp.request", "aiofiles.open"), _NETWORK),
    **dict.fromkeys(
        (
            f"httpx.{name}"
            for name in [
                "get",
                "post",
                "put",
                "patch",
                "delete",
                "head",
                "options",
                "request",
                "stream",
                "Client",
                "AsyncClient",
            ]
        ),
        _NETWORK,
    ),
    **dict.fromkeys(
        (
            f"requests.{name}"
            for name in ["get", "post", "put", "patch", "delete", "head", "options", "request", "Session", "session"]
        ),
        _NETWORK,
    ),
    **dict.fromkeys(
        (
            f"socket.{name}"
            for name in [
                "socket",
                "create_connection",
                "create_server",
                "getaddrinfo",
                "gethostbyname",
                "gethostname",
                "getfqdn",
            ]
        ),
        _NETWORK,
    ),
    **dict.fromkeys(
        ("boto3.client", "boto3.resource", "boto3.Session", "psycopg2.connect", "psycopg.connect"), _NETWORK
    ),
    **dict.fromkeys(("subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call"), _PROCESS),
    **dict.fromkeys(("subprocess.check_output", "subprocess.getoutput", "subprocess.getstatusoutput"), _PROCESS),
    "webbrowser.open": _SYSTEM,
}
BLOCKING_FAMILIES: dict[str, str] = {
    **dict.fromkeys(("shutil.", "tempfile.", "glob."), _FILES),
    **dict.fromkeys(("ftplib.", "http.client.", "imaplib.", "poplib.", "smtplib.", "xmlrpc.client."), _NETWORK),
}
"""Calls of whatever has a name that begins so."""

PATH_METHODS: dict[str, str] = dict.fromkeys(
    [
        "chmod",
        "exists",
        "glob",
        "is_dir",
        "is_file",
        "iterdir",
        "lstat",
        "mkdir",
        "open",
        "read_bytes",
        "read_text",
        "rename",
        "resolve",
        "rglob",
        "rmdir",
        "stat",
        "symlink_to",
        "touch",
        "unlink",
        "write_bytes",
        "write_text",
    ],
    _FILES,
)
"""Methods of a `pathlib.Path` that reach the file system."""
