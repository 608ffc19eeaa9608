{# Prints a properties file that names the columns of the given models. #}
{% macro generate_model_yaml(model_names=[]) -%}
    {%- if execute -%}
        {%- set lines = ['models:'] -%}
        {%- for model in model_names -%}
            {%- do lines.append('  - name: ' ~ model) -%}
            {%- do lines.append('    columns:') -%}
            {%- for column in adapter.get_columns_in_relation(ref(model)) -%}
                {%- do lines.append('      - name: ' ~ column.name | lower) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- do log(lines | join('\n'), info=true) -%}
    {%- endif -%}
{%- endmacro %}
