// The compiled part of Boost.Asio's TLS; the rest is in door/vendor.cpp.
#include <boost/asio/ssl/impl/src.hpp>
