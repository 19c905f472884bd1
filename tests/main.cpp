#define BOOST_TEST_MODULE bsp
#include <boost/test/unit_test.hpp>
