{# A setting that only one kind of warehouse understands; none for the others. #}
{% macro only_on(warehouse, setting) -%}
    {{ return(setting if target.type == warehouse else none) }}
{%- endmacro %}
