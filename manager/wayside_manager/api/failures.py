"""Turns what a handler raises into a gRPC status, once for every service.

Our errors keep their message and reason. Anything else is a bug: the caller learns nothing of it, our log everything.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from wayside.errors import WaysideError
from wayside.status import to_status
from wayside_manager.api.scopes import CallerLeftError, Context

logger = logging.getLogger(__name__)


@asynccontextmanager
async def translated_errors(method: str, context: Context, _request: object = None) -> AsyncIterator[None]:
    """The scope of a call in which errors become statuses."""
    try:
        yield
    except WaysideError as exc:
        logger.debug("%s refused: %s", method, exc, extra={"method": method, "reason": exc.reason})
        if not context.done():
            status = to_status(exc)
            # what was said of the call before, such as its id, goes with the error
            metadata = (*(context.trailing_metadata() or ()), *status.trailing_metadata)
            await context.abort(status.code, status.details, metadata)
    except grpc.aio.AbortError:
        raise
    except DecodeError:
        logger.debug("%s refused: the request is no message of this call", method, extra={"method": method})
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request is no message of this call; send it again")
    except CallerLeftError as exc:
        logger.debug("%s ended by its caller: %s", method, exc, extra={"method": method})
        # to grpc the call is over, too; an answer would fail like the one before
        raise asyncio.CancelledError from exc
    except Exception:
        if context.done() or context.cancelled():  # the caller left; writing to it failed, as it must
            logger.debug("%s ended by its caller", method, exc_info=True)
            return
        logger.exception("%s failed", method, extra={"method": method})
        await context.abort(grpc.StatusCode.INTERNAL, "internal error")
