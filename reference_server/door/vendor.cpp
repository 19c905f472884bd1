// The compiled parts of Boost.Asio and Boost.Beast: every other file sees declarations only.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
